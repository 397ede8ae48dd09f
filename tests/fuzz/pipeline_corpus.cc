// Writes the seeds of pipeline_fuzz: usage: pipeline_corpus FOLDER. Run it again when bpf/abi
// changes.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/pipeline_records.h"
#include "tests/unit/pipeline/record_builder.h"

namespace {

using namespace clew;

const std::string kGet = "GET /cart?id=1 HTTP/1.1\r\nHost: shop\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class Seed {
 public:
  Seed& add(const Record& record) {
    RecordSequence::append(record, bytes_);
    return *this;
  }
  Seed& wait() { return add({}); }
  Operation at() { return {.time_ns = time_ns_ += 1'000'000}; }
  Operation begins(uint64_t span, uint64_t parent = 0) {
    auto operation = at();
    operation.context = context_of(span, parent);
    operation.evidence = parent ? CLEW_EVIDENCE_TURN : CLEW_EVIDENCE_NONE;
    return operation;
  }
  Seed& open(Wire& wire) { return add(wire.client.connection(1)).add(wire.server.connection(1)); }
  Seed& exchange(Wire& wire) {
    add(wire.client.sent(kGet, begins(1)));
    add(wire.server.received(kGet, begins(2)));
    add(wire.server.sent(kOk, at()));
    return add(wire.client.received(kOk, at()));
  }
  Seed& close(SocketEnd& end) {
    add(end.end_of_stream(2)).add(end.closing(CLEW_CLOSING_SENT_FIN, 2));
    return add(end.closing(CLEW_CLOSING_CLOSED, 3));
  }
  bool write(const std::filesystem::path& path) const {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes_.data()),
               static_cast<std::streamsize>(bytes_.size()));
    return file.good();
  }

 private:
  std::vector<uint8_t> bytes_;
  uint64_t time_ns_ = 0;
};

Wire wire_of(uint64_t cookie, uint32_t client, uint32_t server) {
  return {cookie, client, server, static_cast<uint16_t>(40000 + cookie), 80};
}

Seed pair() {
  Seed seed;
  Wire wire = wire_of(1, 1, 2);
  return seed.open(wire).exchange(wire).exchange(wire).close(wire.client).close(wire.server).wait();
}

Seed chain() {
  Seed seed;
  Wire front = wire_of(1, 1, 2), back = wire_of(3, 2, 3);
  seed.open(front).open(back).add(front.client.sent(kGet, seed.begins(1)));
  seed.add(front.server.received(kGet, seed.begins(2)));
  seed.add(back.client.sent(kGet, seed.begins(3, 2)));
  seed.add(back.server.received(kGet, seed.begins(4))).add(back.server.sent(kOk, seed.at()));
  seed.add(back.client.received(kOk, seed.at())).add(front.server.sent(kOk, seed.at()));
  return seed.add(front.client.received(kOk, seed.at())).wait();
}

Seed swapped() {
  Seed seed;
  Wire wire = wire_of(1, 1, 2);
  seed.open(wire);
  const Record first = wire.server.received(kGet.substr(0, 9), seed.begins(1));
  seed.add(wire.server.received(kGet.substr(9), seed.at())).add(first);
  const Record head = wire.server.sent(kOk.substr(0, 20), seed.at());
  return seed.add(wire.server.sent(kOk.substr(20), seed.at())).add(head).wait();
}

Seed lost() {
  Seed seed;
  Wire wire = wire_of(1, 1, 2);
  seed.open(wire).exchange(wire);
  wire.server.received(kGet, seed.begins(1));  // never fed
  return seed.exchange(wire).wait().wait().exchange(wire).close(wire.server).wait();
}

Seed midway() {
  Seed seed;
  Wire wire = wire_of(1, 1, 2);
  wire.server.skip(CLEW_RECEIVED, 300);
  seed.add(wire.server.connection(1, false)).add(wire.server.sent(kOk, seed.at()));
  return seed.exchange(wire).exchange(wire);
}

Seed uncopied() {
  Seed seed;
  Wire wire = wire_of(1, 1, 2);
  seed.open(wire).add(wire.server.received(kGet, seed.begins(1)));
  auto operation = seed.at();
  operation.uncopied = 1000;
  seed.add(wire.server.sent("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", operation));
  operation = seed.at();
  operation.continued = true;
  return seed.add(wire.server.sent("\r\n0\r\n\r\n", operation)).exchange(wire);
}

Seed mistaken() {
  Seed seed;
  Wire wire = wire_of(1, 1, 2), next = wire_of(3, 2, 3);
  seed.open(wire).open(next).add(wire.server.received(
      fmt::format("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", kGet.size()),
      seed.begins(1)));
  seed.add(wire.server.received(kGet, seed.begins(2)));
  return seed.add(next.client.sent(kGet, seed.begins(3, 2))).add(wire.server.sent(kOk, seed.at()));
}

Seed reconnected() {
  Seed seed;
  Wire wire = wire_of(1, 1, 2);
  seed.open(wire).add(wire.client.sent(kGet, seed.begins(1))).close(wire.client);
  wire.client.reconnect(50000, 7);
  return seed.add(wire.client.connection(5)).add(wire.client.sent(kGet, seed.begins(2))).wait();
}

Seed processes() {
  using namespace std::string_literals;
  Seed seed;
  Wire wire = wire_of(1, 1, 4);
  seed.add(process_record(CLEW_PROCESS_FORK, 4, 2, 1));
  seed.add(process_record(CLEW_PROCESS_EXEC, 4, 2, 2, "/usr/bin/shop", "shop\0--port\0"s));
  seed.add(process_record(CLEW_PROCESS_LISTEN, 4, 0, 3)).open(wire).exchange(wire);
  return seed.add(process_record(CLEW_PROCESS_EXIT, 4, 0, 4)).wait();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path folder = arguments[1];
  const bool done = pair().write(folder / "pair") && chain().write(folder / "chain") &&
                    swapped().write(folder / "swapped") && lost().write(folder / "lost") &&
                    midway().write(folder / "midway") && uncopied().write(folder / "uncopied") &&
                    mistaken().write(folder / "mistaken") &&
                    reconnected().write(folder / "reconnected") &&
                    processes().write(folder / "processes");
  return done ? 0 : 1;
}
