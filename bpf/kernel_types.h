// The few kernel structures the programs read, declared by hand: CO-RE relocates each access
// against the running kernel, so that only names matter, neither order nor size.
#pragma once

#include "abi/types.h"

#include <linux/bpf.h>

#define __kernel_type __attribute__((preserve_access_index))

typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

typedef unsigned long size_t;
typedef long ssize_t;

struct in6_addr {
  __u8 u6_addr8[16];  // as the kernel's in6_u, whatever the union's view
};

struct ns_common {
  unsigned int inum;
} __kernel_type;

struct net {
  struct ns_common ns;
} __kernel_type;

typedef struct {
  struct net *net;
} __kernel_type possible_net_t;

struct proto {
  void *sendpage;  // until kernel 6.4
} __kernel_type;

struct sock_common {
  unsigned short skc_family;
  volatile unsigned char skc_state;
  __be32 skc_daddr;
  __be32 skc_rcv_saddr;
  __be16 skc_dport;
  __u16 skc_num;
  struct proto *skc_prot;
  volatile unsigned long skc_flags;
  possible_net_t skc_net;
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
} __kernel_type;

struct socket;

struct sk_buff_head {
  __u32 qlen;
} __kernel_type;

struct sock {
  struct sock_common __sk_common;
  struct sk_buff_head sk_receive_queue;
  __u16 sk_protocol;
  __u16 sk_type;
  __u8 sk_shutdown;
  int sk_err;
  struct socket *sk_socket;
} __kernel_type;

struct file;

struct inode {
  unsigned long i_ino;
} __kernel_type;

struct file {
  struct inode *f_inode;
} __kernel_type;

struct socket {
  struct file *file;
  struct sock *sk;
} __kernel_type;

struct tcp_sock {
  __u32 copied_seq;
  __u32 write_seq;
  volatile __u32 rcv_nxt;
  __u64 bytes_received;
  __u64 tcp_mstamp;  // CLOCK_MONOTONIC in microseconds of the last packet received or sent
} __kernel_type;

// Its numbers name bytes alike at both ends, as TCP's do (RFC 8684: data sequence numbers).
struct mptcp_sock {
  __u64 write_seq;
  __u64 ack_seq;
  __u64 bytes_received;
  __u64 bytes_consumed;  // since kernel 6.11
} __kernel_type;

struct sockaddr_un {
  unsigned short sun_family;
  char sun_path[108];
};

struct unix_address {
  int len;
  struct sockaddr_un name[0];
} __kernel_type;

struct unix_sock {
  struct unix_address *addr;
  struct sock *peer;
} __kernel_type;

enum iter_type {
  ITER_UBUF,  // since kernel 6.0
  ITER_IOVEC,
};

struct iov_iter {
  __u8 iter_type;
  size_t iov_offset;
  const void *__iov;  // of ITER_UBUF the buffer itself lies at the same place
  void *ubuf;
  unsigned long nr_segs;
} __kernel_type;

struct iov_iter___until_6_4 {
  const void *iov;
} __kernel_type;

struct msghdr {
  struct iov_iter msg_iter;
} __kernel_type;

struct sk_buff;
struct page;

struct fdtable {
  unsigned int max_fds;
  struct file **fd;
} __kernel_type;

struct files_struct {
  struct fdtable *fdt;
} __kernel_type;

struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
} __kernel_type;

typedef struct {
  int counter;
} atomic_t;

struct signal_struct {
  atomic_t live;
} __kernel_type;

struct thread_info {
  __u32 status;
} __kernel_type;

struct task_struct {
  struct thread_info thread_info;
  unsigned int flags;
  int pid;
  int tgid;
  char comm[16];
  struct task_struct *group_leader;
  struct task_struct *real_parent;
  struct mm_struct *mm;
  struct files_struct *files;
  void *io_uring;
  struct signal_struct *signal;
} __kernel_type;

struct linux_binprm {
  const char *filename;
} __kernel_type;

// x86-64 registers of a system call.
struct pt_regs {
  unsigned long r10;
  unsigned long r9;
  unsigned long r8;
  unsigned long ax;
  unsigned long cx;
  unsigned long dx;
  unsigned long si;
  unsigned long di;
  unsigned long orig_ax;
} __kernel_type;

// User space structures as the system calls take them (x86-64 layout, fixed by the ABI).
struct user_iovec {
  void *base;
  __u64 length;
};

// Also the beginning of struct mmsghdr.
struct user_msghdr {
  void *name;
  int name_length;
  int padding;
  struct user_iovec *vector;
  __u64 vector_length;
  void *control;
  __u64 control_length;
  unsigned int flags;
};

enum {
  AF_UNIX = 1,
  AF_INET = 2,
  AF_INET6 = 10,
  SOCK_STREAM = 1,
  IPPROTO_TCP = 6,
  IPPROTO_MPTCP = 262,
  EAGAIN = 11,
  ECANCELED = 125,
  RCV_SHUTDOWN = 1,
  SHUTDOWN_MASK = 3,
  SOCK_DONE = 1,  // bit of skc_flags: a FIN came
  MSG_OOB = 0x1,
  MSG_PEEK = 0x2,
  MSG_TRUNC = 0x20,
  MSG_DONTWAIT = 0x40,
  MSG_ERRQUEUE = 0x2000,
  MSG_WAITFORONE = 0x10000,
  PF_IO_WORKER = 0x00000010,
  PF_KTHREAD = 0x00200000,
  TS_COMPAT = 0x0002,
};

enum tcp_state {
  TCP_ESTABLISHED = 1,
  TCP_SYN_SENT = 2,
  TCP_FIN_WAIT1 = 4,
  TCP_CLOSE = 7,
  TCP_CLOSE_WAIT = 8,
  TCP_LAST_ACK = 9,
  TCP_LISTEN = 10,
};
