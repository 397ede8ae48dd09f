// An HTTP/1.1 client or server whose sends and receives all go by io_uring, while a file that is
// full of messages nobody sent is read on the same ring. Checks every byte; the client waits for a
// line on stdin first and prints "done".
//
// usage: uring_pair server PLAIN_OR_SQPOLL FILE               prints "listening PORT"
//        uring_pair client PLAIN_OR_SQPOLL FILE PORT COUNT PREFIX
//
// The client asks for /PREFIX/NUMBER; the status is 200 + NUMBER % 5, the body "STATUS PATH\n". The
// server serves one connection after the other.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILE_READ = 7, PART = 4096 };

static struct {
  int fd;
  unsigned flags;
  unsigned *sq_tail, *sq_mask, *sq_flags, *sq_array, *cq_head, *cq_tail, *cq_mask;
  struct io_uring_sqe* sqes;
  struct io_uring_cqe* cqes;
} ring;
static int file, sock;
static char file_bytes[PART], from_file[PART];

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void open_ring(int sqpoll) {
  struct io_uring_params params = {.flags = sqpoll ? IORING_SETUP_SQPOLL : 0,
                                   .sq_thread_idle = 100};
  ring.fd = syscall(SYS_io_uring_setup, 8, &params);
  if (ring.fd < 0) fail("io_uring_setup");
  ring.flags = params.flags;
  char* sq = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned),
                  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
  char* cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
                  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_CQ_RING);
  ring.sqes = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
  if (sq == MAP_FAILED || cq == MAP_FAILED || ring.sqes == MAP_FAILED) fail("mmap");
  ring.sq_tail = (unsigned*)(sq + params.sq_off.tail);
  ring.sq_mask = (unsigned*)(sq + params.sq_off.ring_mask);
  ring.sq_flags = (unsigned*)(sq + params.sq_off.flags);
  ring.sq_array = (unsigned*)(sq + params.sq_off.array);
  ring.cq_head = (unsigned*)(cq + params.cq_off.head);
  ring.cq_tail = (unsigned*)(cq + params.cq_off.tail);
  ring.cq_mask = (unsigned*)(cq + params.cq_off.ring_mask);
  ring.cqes = (struct io_uring_cqe*)(cq + params.cq_off.cqes);
}

static void put(int opcode, int fd, void* bytes, unsigned length, int what) {
  const unsigned tail = *ring.sq_tail, index = tail & *ring.sq_mask;
  ring.sqes[index] = (struct io_uring_sqe){
      .opcode = opcode, .fd = fd, .addr = (unsigned long)bytes, .len = length, .user_data = what};
  ring.sq_array[index] = index;
  atomic_store_explicit((_Atomic unsigned*)ring.sq_tail, tail + 1, memory_order_release);
}

static void enter(unsigned submitted) {
  unsigned flags = IORING_ENTER_GETEVENTS;
  if (ring.flags & IORING_SETUP_SQPOLL) {
    atomic_thread_fence(memory_order_seq_cst);
    if (*ring.sq_flags & IORING_SQ_NEED_WAKEUP) flags |= IORING_ENTER_SQ_WAKEUP;
    submitted = 0;
  }
  if (syscall(SYS_io_uring_enter, ring.fd, submitted, 1, flags, NULL, 0) < 0)
    fail("io_uring_enter");
}

// One socket operation together with a read of the file.
static int operate(int opcode, void* bytes, unsigned length) {
  put(IORING_OP_READ, file, from_file, PART, FILE_READ);
  put(opcode, sock, bytes, length, opcode);
  unsigned submitted = 2;
  int result = 0;
  for (int left = 2; left;) {
    enter(submitted);
    submitted = 0;
    unsigned head = *ring.cq_head;
    while (head != atomic_load_explicit((_Atomic unsigned*)ring.cq_tail, memory_order_acquire)) {
      const struct io_uring_cqe* done = &ring.cqes[head++ & *ring.cq_mask];
      if (done->user_data != FILE_READ) {
        result = done->res;
      } else if (done->res != PART || memcmp(from_file, file_bytes, PART)) {
        fail("the file");
      }
      --left;
    }
    atomic_store_explicit((_Atomic unsigned*)ring.cq_head, head, memory_order_release);
  }
  return result;
}

static void send_text(char* text, int length) {
  if (operate(IORING_OP_SEND, text, length) != length) fail("send");
}

// Receives until the text ends with `end`; false at the end of the stream.
static int receive_text(char* text, const char* end) {
  int length = 0;
  do {
    const int part = operate(IORING_OP_RECV, text + length, PART - 1 - length);
    if (part <= 0) return 0;
    length += part;
    text[length] = 0;
  } while (length < (int)strlen(end) || strcmp(text + length - strlen(end), end));
  return 1;
}

static int answer(char* to, int number, const char* path) {
  char body[256];
  const int length = snprintf(body, sizeof(body), "%d %s\n", 200 + number % 5, path);
  return sprintf(to, "HTTP/1.1 %d Reason\r\nContent-Length: %d\r\n\r\n%s", 200 + number % 5, length,
                 body);
}

static void serve(void) {
  char request[PART], response[PART], path[128];
  int number;
  while (receive_text(request, "\r\n\r\n")) {
    if (sscanf(request, "GET %127s HTTP/1.1", path) != 1) fail("request");
    if (sscanf(strrchr(path, '/'), "/%d", &number) != 1) fail("path");
    send_text(response, answer(response, number, path));
  }
  close(sock);
}

static void call(int count, const char* prefix) {
  char request[PART], expected[PART], response[PART], path[128];
  for (int number = 0; number < count; ++number) {
    snprintf(path, sizeof(path), "/%s/%d", prefix, number);
    send_text(request, sprintf(request, "GET %s HTTP/1.1\r\nHost: uring\r\n\r\n", path));
    answer(expected, number, path);
    if (!receive_text(response, "\n") || strcmp(response, expected)) fail("response");
  }
  puts("done");
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const int serves = !strcmp(argv[1], "server");
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(serves ? 0 : atoi(argv[4])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(address);
  file = open(argv[3], O_RDONLY);
  if (file < 0 || read(file, file_bytes, PART) != PART) fail("file");
  open_ring(!strcmp(argv[2], "sqpoll"));
  const int first = socket(AF_INET, SOCK_STREAM, 0);
  if (!serves) {
    char line[16];
    if (!fgets(line, sizeof(line), stdin)) fail("stdin");
    if (connect(sock = first, (struct sockaddr*)&address, length)) fail("connect");
    call(atoi(argv[5]), argv[6]);
    return 0;
  }
  if (bind(first, (struct sockaddr*)&address, length) || listen(first, 16)) fail("listen");
  getsockname(first, (struct sockaddr*)&address, &length);
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);
  while ((sock = accept(first, NULL, NULL)) >= 0) {
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    serve();
  }
  fail("accept");
}
