// One end of a connection whose client takes turns, with records lost, late or cut as the input
// says, through the whole pipeline. Each request that was recorded becomes one span, and none shows
// another exchange's answer.
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "agent/pipeline/pipeline.h"
#include "tests/unit/pipeline/record_builder.h"

namespace {

using clew::Operation;
using clew::Pipeline;

constexpr uint64_t kPatience = 60'000'000;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

int status_of(int number) {
  return 400 + number % 500;
}

// A byte an exchange and a byte for each of its operations. Of an exchange: bits 0-1 the method and
// the request's operations, bits 2-4 the answer's, bit 5 a pause. Of an operation: bits 0-1 its
// record is lost if both are set, bit 2 it comes after the next one's, bit 3 it is continued in a
// second record, bits 4-7 how long a send took.
class Conversation {
 public:
  Conversation(Pipeline& pipeline, clew::ByteView input)
      : pipeline_(pipeline),
        input_(input),
        serves_(next() & 1),
        end_(1, serves_ ? CLEW_ROLE_SERVER : CLEW_ROLE_CLIENT, 10'000'001, {.port = 1},
             {.port = 2}) {
    pipeline_.on_record(end_.connection(now_ns_));
  }

  void hold() {
    while (!input_.empty() && exchanges_ < 400) exchange(next());
    settle();
    if (next() & 1) pipeline_.on_record(end_.end_of_stream(now_ns_));
    if (next() & 1) {
      pipeline_.on_record(end_.closing(CLEW_CLOSING_SENT_FIN, now_ns_));
      pipeline_.on_record(end_.closing(CLEW_CLOSING_CLOSED, now_ns_));
    }
  }
  /// Requests whose first bytes were recorded.
  const std::set<int>& seen() const { return seen_; }
  uint64_t now_ns() const { return now_ns_; }

 private:
  uint8_t next() {
    if (input_.empty()) return 0;
    const uint8_t byte = input_.front();
    input_ = input_.subspan(1);
    return byte;
  }

  void exchange(uint8_t code) {
    const int number = exchanges_++;
    const bool is_head = (code & 3) == 1, uploads = (code & 3) >= 2;
    const std::string target = "/" + std::to_string(number) + " HTTP/1.1\r\nHost: h\r\nX: y\r\n";
    if (uploads) {
      const bool chunked = (code & 3) == 3;
      if (operation("POST " + target +
                        (chunked ? "Transfer-Encoding: chunked" : "Content-Length: 9") + "\r\n\r\n",
                    serves_)) {
        seen_.insert(number);
      }
      operation(chunked ? "4\r\nbody\r\n0\r\n\r\n" : "some body", serves_);
    } else if (operation((is_head ? "HEAD " : "GET ") + target + "\r\n", serves_)) {
      seen_.insert(number);
    }
    answer(number, (code >> 2) & 7, is_head);
    if (code & 32) settle();
  }

  void answer(int number, int kind, bool is_head) {
    const std::string head = "HTTP/1.1 " + std::to_string(status_of(number)) + " X\r\n";
    const std::string length = "Content-Length: 500\r\n\r\n", body(500, 'x');
    switch (kind) {
      case 0:
      case 1:
        operation(head + length + (is_head ? "" : body), !serves_);
        break;
      case 2:
        operation(head + length, !serves_);
        if (!is_head) operation(body.substr(20), !serves_, 20);
        break;
      case 3:
        operation("HTTP/1.1 103 Early\r\n\r\n", !serves_);
        operation(head + "Content-Length: 0\r\n\r\n", !serves_);
        break;
      default:
        operation(head + "Transfer-Encoding: chunked\r\n\r\n", !serves_);
        if (is_head) break;
        operation("1f4\r\n" + body.substr(kind == 4 ? 0 : 400), !serves_, kind == 4 ? 0 : 400);
        operation("\r\n0\r\n\r\n", !serves_);
    }
  }

  // False: its first bytes were not recorded.
  bool operation(const std::string& bytes, bool received, uint32_t uncopied = 0) {
    const uint8_t code = next();
    // Not before the Host, without which a client's span names no target.
    const size_t host = bytes.find("X: ");
    const size_t middle = host == bytes.npos ? bytes.size() / 2 : host;
    const size_t cut = (code & 8) != 0 ? middle : 0;
    now_ns_ += 1'000'000;
    Operation made{.time_ns = now_ns_};
    if (!received) made.begin_delta_ns = (code >> 4) * 10'000u;
    made.time_ns += made.begin_delta_ns;
    const auto record = [&](std::string_view piece) {
      return received ? end_.received(piece, made) : end_.sent(piece, made);
    };
    const bool lost = (code & 3) == 3;
    bool begins = !lost;
    if (cut != 0) {
      pass(record(std::string_view(bytes).substr(0, cut)), false, false);
      begins = true;
      made.continued = true;
    }
    made.uncopied = uncopied;
    pass(record(std::string_view(bytes).substr(cut)), lost, (code & 4) != 0);
    return begins;
  }

  void pass(const clew::Record& record, bool lost, bool late) {
    if (lost) return;
    if (late && late_.empty()) {
      late_ = record;
      return;
    }
    pipeline_.on_record(record);
    if (!late_.empty()) pipeline_.on_record(late_);
    late_.clear();
  }

  void settle() {
    if (!late_.empty()) pipeline_.on_record(late_);
    late_.clear();
    pipeline_.tick(now_ns_ += 2 * kPatience);
  }

  Pipeline& pipeline_;
  clew::ByteView input_;
  bool serves_;
  clew::SocketEnd end_;
  clew::Record late_;
  std::set<int> seen_;
  int exchanges_ = 0;
  uint64_t now_ns_ = 1'000'000'000;
};

struct Told {
  int number = -1;
  int64_t status = 0;
};

Told told_by(const clew::Span& span) {
  Told told;
  for (const clew::Attribute& attribute : span.attributes) {
    const std::string_view key = attribute.key;
    if (key == "http.response.status_code") told.status = attribute.integer;
    if (key != "url.path" && key != "url.full") continue;
    const std::string target(attribute.text);
    told.number = std::atoi(target.c_str() + target.rfind('/') + 1);
  }
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::set<int> told;
  Pipeline pipeline(
      {.connections = 8,
       .stream = {.held_bytes = 65536, .held_segments = 64, .patience_ns = kPatience}},
      {}, [&](const std::shared_ptr<const clew::SpanBatch>& batch) {
        for (const auto& span : batch->spans()) {
          const Told one = told_by(span);
          require(told.insert(one.number).second, "an exchange is told once");
          require(one.status == 0 || one.status == status_of(one.number),
                  "an answer is its request's own");
        }
      });
  Conversation conversation(pipeline, {data, size});
  conversation.hold();
  pipeline.finish(conversation.now_ns());
  for (const int number : conversation.seen()) {
    require(told.contains(number), "a request that was recorded is told");
  }
  require(told.size() == conversation.seen().size(), "nothing is made up");
  return 0;
}
