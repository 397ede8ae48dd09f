// Threads that send whole requests on one connection without a lock, while the main thread reads
// the answers. A send is atomic under the socket's lock, so that the server sees whole requests in
// some order. Every answer is checked: its body is "STATUS PATH\n", its status line says the same
// status, and each path is answered once. Prints "done".
//
// usage: unlocked_senders PORT THREADS COUNT
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int sock, count;
static sem_t room;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void* send_requests(void* number) {
  for (int i = 0; i < count; ++i) {
    char request[128];
    const int length = snprintf(request, sizeof(request), "GET /%ld/%d HTTP/1.1\r\nHost: x\r\n\r\n",
                                (long)number, i);
    sem_wait(&room);
    if (send(sock, request, length, 0) != length) fail("send");
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int threads = atoi(argv[2]);
  count = atoi(argv[3]);
  const struct sockaddr_in server = {.sin_family = AF_INET,
                                     .sin_port = htons(atoi(argv[1])),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  sock = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(sock, (const struct sockaddr*)&server, sizeof(server))) fail("connect");
  setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  sem_init(&room, 0, 32);
  pthread_t ids[16];
  for (long i = 0; i < threads; ++i) pthread_create(&ids[i], NULL, send_requests, (void*)i);

  char* seen = calloc(threads, count);
  FILE* stream = fdopen(dup(sock), "r");
  for (int i = 0; i < threads * count; ++i) {
    char line[256];
    int status = 0, length = 0, in_body = 0, thread = -1, number = -1;
    if (!fgets(line, sizeof(line), stream) || sscanf(line, "HTTP/1.1 %d", &status) != 1)
      fail("status");
    while (fgets(line, sizeof(line), stream) && strcmp(line, "\r\n"))
      sscanf(line, "Content-Length: %d", &length);
    if (!fgets(line, sizeof(line), stream) || (int)strlen(line) != length) fail("length");
    if (sscanf(line, "%d /%d/%d", &in_body, &thread, &number) != 3 || in_body != status)
      fail("body");
    if (thread < 0 || thread >= threads || number < 0 || number >= count) fail("path");
    if (seen[thread * count + number]++) fail("answered twice");
    sem_post(&room);
  }
  for (int i = 0; i < threads; ++i) pthread_join(ids[i], NULL);
  puts("done");
  return 0;
}
