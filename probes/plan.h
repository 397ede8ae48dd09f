// Which of the kernel programs are used where: decided from features alone.
#pragma once

#include <string_view>

#include "probes/features.h"

namespace clew {

/// How sends and receives are seen: by exactly one of these, or twice each.
enum class CaptureBackend {
  None,
  SocketTracepoints,  ///< sock_send_length and sock_recv_length
  Fexit,              ///< on inet_sendmsg, inet_recvmsg and their inet6 twins
};

/// How the moment is seen at which a send begins.
enum class SendBegin {
  None,        ///< a send is known from its end
  Tracepoint,  ///< tcp_sendmsg_locked
  Fentry,      ///< on the function of that name
};

struct Plan {
  CaptureBackend capture = CaptureBackend::None;
  SendBegin send_begin = SendBegin::None;
  bool sendpage = false;      ///< sendfile and splice pass by sendmsg and need a hook of their own
  bool unix_sockets = false;  ///< UNIX stream sockets are seen as well as TCP
};

/// The best that `features` allow. Pure.
Plan plan(const Features& features);

/// For people: "socket tracepoints".
std::string_view label(CaptureBackend backend);
std::string_view label(SendBegin how);
/// For programs: "socket_tracepoints"; empty for None.
std::string_view name(CaptureBackend backend);
std::string_view name(SendBegin how);

}  // namespace clew
