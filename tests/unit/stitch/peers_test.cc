#include "agent/stitch/peers.h"

#include <gtest/gtest.h>

namespace clew {
namespace {

ConnectionKey key_of(uint16_t client_port, uint32_t loopback_namespace = 1) {
  ConnectionKey key;
  key.client_port = client_port;
  key.server_port = 80;
  key.loopback_namespace = loopback_namespace;
  return key;
}

class PeersTest : public ::testing::Test {
 protected:
  NodeRef node(uint64_t start_ns = 0) {
    NodeRef made = nodes.make();
    made->start_ns = start_ns;
    return made;
  }

  TraceNodes nodes;
  Peers peers{nodes};
  std::shared_ptr<PeerPair> client_end = peers.open(key_of(5000));
  std::shared_ptr<PeerPair> server_end = peers.open(key_of(5000));
};

TEST_F(PeersTest, BothEndsShareOnePair) {
  EXPECT_EQ(client_end, server_end);
  EXPECT_EQ(client_end->ends, 2u);
  EXPECT_NE(peers.open(key_of(5001)), client_end);
  EXPECT_NE(peers.open(key_of(5000, 2)), client_end) << "loopback of another namespace";
}

TEST_F(PeersTest, JoinsWithTheClientFirst) {
  const NodeRef client = node(), server = node();
  EXPECT_FALSE(peers.client_began(*client_end, 700, client));
  EXPECT_TRUE(peers.server_began(*server_end, 700, server));
  EXPECT_EQ(server->parent, client.get());
  EXPECT_EQ(server->link, "stream");
  EXPECT_TRUE(client->joined);
  EXPECT_TRUE(server->joined);
}

TEST_F(PeersTest, JoinsWithTheServerFirst) {
  const NodeRef client = node(200), server = node(150);
  EXPECT_FALSE(peers.server_began(*server_end, 700, server));
  EXPECT_TRUE(peers.client_began(*client_end, 700, client));
  EXPECT_EQ(server->parent, client.get());
  EXPECT_EQ(client->start_ns, 150u) << "a request is not read before it is sent";
}

TEST_F(PeersTest, AnotherSequenceIsAnotherExchange) {
  const NodeRef client = node(), server = node(), right = node();
  peers.client_began(*client_end, 700, client);
  EXPECT_FALSE(peers.server_began(*server_end, 701, server));
  EXPECT_EQ(server->parent, nullptr);
  EXPECT_TRUE(peers.server_began(*server_end, 700, right));
  EXPECT_EQ(right->parent, client.get());
}

TEST_F(PeersTest, AnExchangeIsJoinedOnce) {
  const NodeRef client = node(), server = node(), again = node();
  peers.client_began(*client_end, 700, client);
  EXPECT_TRUE(peers.server_began(*server_end, 700, server));
  EXPECT_FALSE(peers.server_began(*server_end, 700, again));
  EXPECT_EQ(again->parent, nullptr);
}

TEST_F(PeersTest, ExchangesMeetInAnyOrder) {
  std::vector<NodeRef> clients, servers;
  for (uint32_t i = 0; i < 10; ++i) {
    clients.push_back(node());
    peers.client_began(*client_end, 100 + i, clients.back());
  }
  for (uint32_t i = 10; i-- > 0;) {
    servers.push_back(node());
    EXPECT_TRUE(peers.server_began(*server_end, 100 + i, servers.back()));
    EXPECT_EQ(servers.back()->parent, clients[i].get());
  }
}

TEST_F(PeersTest, AContradictionIsLeftOut) {
  const NodeRef client = node(), server = node();
  nodes.set_parent(*client.get(), server, "thread");  // the call was made by what it calls
  peers.client_began(*client_end, 700, client);
  EXPECT_FALSE(peers.server_began(*server_end, 700, server));
  EXPECT_EQ(server->parent, nullptr);
  EXPECT_FALSE(server->joined);
}

TEST_F(PeersTest, WaitingIsBounded) {
  for (uint32_t i = 0; i < 5000; ++i) peers.client_began(*client_end, i, node());
  EXPECT_LE(nodes.live(), 4096u);
  EXPECT_GT(nodes.live(), 4000u);
  const NodeRef server = node();
  EXPECT_FALSE(peers.server_began(*server_end, 0, server)) << "the oldest go first";
  EXPECT_TRUE(peers.server_began(*server_end, 4999, server));
}

TEST_F(PeersTest, AnEndWithoutPeerKeepsFew) {
  peers.close(key_of(5000), client_end);
  EXPECT_EQ(client_end, nullptr);
  for (uint32_t i = 0; i < 5000; ++i) {
    const NodeRef server = node();
    peers.server_began(*server_end, i, server);
    server->end_ns = 300;
  }
  EXPECT_LE(nodes.live(), 64u);
  EXPECT_GT(nodes.live(), 40u);
}

// A client's first batch is recorded before its server has read a byte of it.
TEST_F(PeersTest, ABatchUnderWayWaitsForAnEndToCome) {
  peers.close(key_of(5000), server_end);
  std::vector<NodeRef> clients;
  for (uint32_t i = 0; i < 256; ++i) {
    clients.push_back(node());
    EXPECT_FALSE(peers.client_began(*client_end, i, clients.back()));
  }
  server_end = peers.open(key_of(5000));
  for (uint32_t i = 0; i < 256; ++i) EXPECT_TRUE(peers.server_began(*server_end, i, node()));
}

TEST_F(PeersTest, AServerWithoutPeerForgetsThoseWhoseSpanIsOut) {
  peers.close(key_of(5000), client_end);
  for (uint32_t i = 0; i < 5000; ++i) {
    const NodeRef server = node();
    peers.server_began(*server_end, i, server);
    server->released = true;
  }
  EXPECT_LE(nodes.live(), 16u);
}

TEST_F(PeersTest, AClientWithoutPeerForgetsThoseThatEndedLongAgo) {
  peers.close(key_of(5000), server_end);
  const auto call_often = [this](uint32_t first) {
    for (uint32_t i = first; i < first + 16; ++i) {
      const NodeRef client = node();
      peers.client_began(*client_end, i, client);
      client->end_ns = 1'000'000'000;
    }
  };
  call_often(0);
  peers.tick(5'999'999'999);
  call_often(16);
  EXPECT_EQ(nodes.live(), 32u);
  peers.tick(6'000'000'000);
  peers.client_began(*client_end, 32, node());
  EXPECT_EQ(nodes.live(), 1u);
}

TEST_F(PeersTest, OneEndMayCloseBeforeTheOtherIsRead) {
  const NodeRef client = node(), server = node();
  peers.client_began(*client_end, 700, client);
  peers.close(key_of(5000), client_end);
  EXPECT_TRUE(peers.server_began(*server_end, 700, server));
}

TEST_F(PeersTest, AServerThatIsBehindStillFindsAClosedClient) {
  const NodeRef client = node(), server = node();
  peers.close(key_of(5000), server_end);  // not accepted yet, as far as anyone saw
  peers.client_began(*client_end, 700, client);
  peers.close(key_of(5000), client_end);
  server_end = peers.open(key_of(5000));
  EXPECT_TRUE(peers.server_began(*server_end, 700, server));
  EXPECT_EQ(server->parent, client.get());
}

TEST_F(PeersTest, WhatWaitsGoesAWhileAfterTheLastEnd) {
  peers.client_began(*client_end, 700, node());
  peers.close(key_of(5000), client_end);
  peers.close(key_of(5000), server_end);
  peers.close(key_of(5000), server_end);  // closed already
  EXPECT_EQ(nodes.live(), 1u);
  peers.tick(4'900'000'000);
  EXPECT_EQ(nodes.live(), 1u);
  peers.tick(5'000'000'000);
  EXPECT_EQ(nodes.live(), 0u);
  EXPECT_EQ(peers.size(), 0u);
}

TEST_F(PeersTest, AJoinAfterTheServersSpanIsOutIsCounted) {
  const NodeRef client = node(), server = node();
  peers.server_began(*server_end, 700, server);
  EXPECT_EQ(peers.late(), 0u);
  server->released = true;
  peers.client_began(*client_end, 700, client);
  EXPECT_EQ(peers.late(), 1u);
}

TEST_F(PeersTest, NothingIsKeptWithoutAnUnmetCall) {
  peers.server_began(*server_end, 700, node());
  peers.close(key_of(5000), client_end);
  peers.close(key_of(5000), server_end);
  EXPECT_EQ(peers.size(), 0u);
  EXPECT_EQ(nodes.live(), 0u);
}

}  // namespace
}  // namespace clew
