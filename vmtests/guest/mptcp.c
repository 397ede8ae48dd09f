// One exchange over MPTCP, client and server, whose answer is sent by sendfile: mptcp FILE. Exits 0
// if the client got the whole file. There is a pause after two thirds of it, so that a byte counted
// twice ends the exchange too early (check.py looks at its length).
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_US = 500000 };

static int check(long result, const char* what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return (int)result;
}

static void send_file(int connection, int file, off_t from, off_t to) {
  while (from < to) check(sendfile(connection, file, &from, (size_t)(to - from)), "sendfile");
}

static void serve(int listener, int file, off_t size) {
  char bytes[128];
  const int connection = check(accept(listener, NULL, NULL), "accept");
  check(read(connection, bytes, sizeof(bytes)), "read");
  const int length = snprintf(bytes, sizeof(bytes),
                              "HTTP/1.0 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)size);
  check(write(connection, bytes, (size_t)length), "write");
  send_file(connection, file, 0, size / 3 * 2);
  usleep(PAUSE_US);
  send_file(connection, file, size / 3 * 2, size);
}

// Returns the bytes of the answer, head and body.
static off_t ask(const struct sockaddr_in* server) {
  static const char request[] = "GET /mptcp HTTP/1.0\r\n\r\n";
  static char bytes[1 << 16];
  const int connection = check(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), "socket");
  check(connect(connection, (const struct sockaddr*)server, sizeof(*server)), "connect");
  check(write(connection, request, sizeof(request) - 1), "write");
  off_t total = 0;
  for (int got = 1; got > 0; total += got)
    got = check(read(connection, bytes, sizeof(bytes)), "read");
  return total;
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const int file = check(open(arguments[1], O_RDONLY), arguments[1]);
  struct stat status;
  check(fstat(file, &status), "fstat");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  const int listener = check(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), "socket");
  check(bind(listener, (struct sockaddr*)&address, size), "bind");
  check(listen(listener, 1), "listen");
  check(getsockname(listener, (struct sockaddr*)&address, &size), "getsockname");
  if (check(fork(), "fork") == 0) {
    serve(listener, file, status.st_size);
    return 0;
  }
  return ask(&address) > status.st_size ? 0 : 1;
}
