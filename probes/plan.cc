#include "probes/plan.h"

namespace clew {
namespace {

CaptureBackend choose_backend(const Features& features) {
  // The tracepoints first: they cost less, and see what no function below them does.
  if (features.socket_tracepoints.available()) return CaptureBackend::SocketTracepoints;
  if (features.socket_fexit.available()) return CaptureBackend::Fexit;
  return CaptureBackend::None;
}

SendBegin choose_send_begin(const Features& features) {
  if (features.send_begin.available()) return SendBegin::Tracepoint;
  if (features.send_entry.available()) return SendBegin::Fentry;
  return SendBegin::None;
}

}  // namespace

Plan plan(const Features& features) {
  Plan chosen;
  chosen.capture = choose_backend(features);
  chosen.send_begin = choose_send_begin(features);
  chosen.sendpage = chosen.capture == CaptureBackend::Fexit && features.sendpage.available();
  chosen.unix_sockets =
      chosen.capture == CaptureBackend::SocketTracepoints ||
      (chosen.capture == CaptureBackend::Fexit && features.unix_fexit.available());
  return chosen;
}

std::string_view label(CaptureBackend backend) {
  switch (backend) {
    case CaptureBackend::SocketTracepoints:
      return "socket tracepoints";
    case CaptureBackend::Fexit:
      return "fexit on inet_sendmsg/inet_recvmsg";
    case CaptureBackend::None:
      break;
  }
  return "none";
}

std::string_view label(SendBegin how) {
  switch (how) {
    case SendBegin::Tracepoint:
      return "tracepoint tcp_sendmsg_locked";
    case SendBegin::Fentry:
      return "fentry on tcp_sendmsg_locked";
    case SendBegin::None:
      break;
  }
  return "not seen: calls are timed from the end of their first send";
}

std::string_view name(CaptureBackend backend) {
  switch (backend) {
    case CaptureBackend::SocketTracepoints:
      return "socket_tracepoints";
    case CaptureBackend::Fexit:
      return "fexit";
    case CaptureBackend::None:
      break;
  }
  return {};
}

std::string_view name(SendBegin how) {
  switch (how) {
    case SendBegin::Tracepoint:
      return "tracepoint";
    case SendBegin::Fentry:
      return "fentry";
    case SendBegin::None:
      break;
  }
  return {};
}

}  // namespace clew
