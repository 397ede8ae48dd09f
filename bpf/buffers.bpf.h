// Where the bytes of the socket operation under way lie in user memory: read from the registers of
// the system call that the thread is in, and trusted only if that call is on this very socket.
#pragma once

#include "maps.bpf.h"

enum { VECTOR_LIMIT = 32 };  // buffers of one operation that are followed

// Either one buffer, or a vector of them.
struct source {
  const void *base;
  const struct user_iovec *vector;
  __u64 vector_length;
  __u64 requested;  // bytes asked for, when one buffer; else ~0
};

enum {  // x86-64 system call numbers
  SYS_read = 0,
  SYS_write = 1,
  SYS_readv = 19,
  SYS_writev = 20,
  SYS_sendto = 44,
  SYS_recvfrom = 45,
  SYS_sendmsg = 46,
  SYS_recvmsg = 47,
  SYS_preadv2 = 327,
  SYS_pwritev2 = 328,
};

static __always_inline bool descriptor_is_socket(struct task_struct *task, __u64 descriptor,
                                                 struct sock *sk) {
  struct fdtable *table = task->files->fdt;
  if (descriptor >= table->max_fds) return false;
  struct file **slots = table->fd;
  struct file *file = NULL;
  if (bpf_probe_read_kernel(&file, sizeof(file), slots + descriptor) || !file) return false;
  // The socket's back pointer names the file it was opened as: compared, not followed.
  struct socket *socket = sk->sk_socket;
  return socket && file == socket->file;
}

static __always_inline bool vector_source(const struct user_msghdr *message, struct source *from) {
  struct user_msghdr copy;
  if (bpf_probe_read_user(&copy, sizeof(copy), message)) return false;
  from->vector = copy.vector;
  from->vector_length = copy.vector_length;
  return true;
}

// False, with the reason counted, where the bytes cannot be read or must not be.
static __always_inline bool find_source(struct sock *sk, int direction, struct source *from) {
  struct task_struct *task = bpf_get_current_task_btf();
  if (task->flags & (PF_KTHREAD | PF_IO_WORKER) || task->thread_info.status & TS_COMPAT) {
    count(CLEW_COUNTER_unreadable);
    return false;
  }
  struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
  if (!descriptor_is_socket(task, regs->di, sk)) {
    count(CLEW_COUNTER_foreign_buffer);
    return false;
  }
  from->base = NULL;
  from->vector = NULL;
  from->vector_length = 0;
  from->requested = ~0ULL;
  bool found = true;
  switch (regs->orig_ax) {
    case SYS_read:
    case SYS_recvfrom:
      found = direction == CLEW_RECEIVED;
      from->base = (const void *)regs->si;
      from->requested = regs->dx;
      break;
    case SYS_write:
    case SYS_sendto:
      found = direction == CLEW_SENT;
      from->base = (const void *)regs->si;
      from->requested = regs->dx;
      break;
    case SYS_readv:
    case SYS_preadv2:
      found = direction == CLEW_RECEIVED;
      from->vector = (const struct user_iovec *)regs->si;
      from->vector_length = regs->dx;
      break;
    case SYS_writev:
    case SYS_pwritev2:
      found = direction == CLEW_SENT;
      from->vector = (const struct user_iovec *)regs->si;
      from->vector_length = regs->dx;
      break;
    case SYS_recvmsg:
      found = direction == CLEW_RECEIVED && vector_source((void *)regs->si, from);
      break;
    case SYS_sendmsg:
      found = direction == CLEW_SENT && vector_source((void *)regs->si, from);
      break;
    default:
      found = false;
  }
  if (!found) count(CLEW_COUNTER_unreadable);
  return found;
}

// Copies `length` bytes (at most CLEW_PIECE_BYTES), `skip` bytes into the operation, to the
// workspace of `direction`. Returns the bytes copied: fewer than asked if memory could not be read
// or the vector is too long to follow. Global, so that the verifier looks at it once and not at
// every call.
__noinline __u32 gather(__u32 direction, const struct source *from, __u64 skip, __u32 length) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &direction);
  if (!to || !from) return 0;
  if (length > CLEW_PIECE_BYTES) length = CLEW_PIECE_BYTES;
  barrier_var(
      length);  // or the bound is tested on a copy, which the verifier of 6.1 does not follow
  if (from->base) {
    if (bpf_probe_read_user(to->payload, length, (const __u8 *)from->base + skip)) {
      count(CLEW_COUNTER_copy_failed);
      return 0;
    }
    return length;
  }
  __u32 done = 0;
  for (__u32 i = 0; i < VECTOR_LIMIT; ++i) {
    if (i >= from->vector_length || done >= length) return done;
    struct user_iovec part;
    if (bpf_probe_read_user(&part, sizeof(part), from->vector + i)) {
      count(CLEW_COUNTER_copy_failed);
      return done;
    }
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    __u64 left = part.length - skip;
    __u32 size = length - done;
    if (size > left) size = left;
    if (size > CLEW_PIECE_BYTES || done >= CLEW_PIECE_BYTES) return done;
    if (bpf_probe_read_user(to->payload + done, size, (const __u8 *)part.base + skip)) {
      count(CLEW_COUNTER_copy_failed);
      return done;
    }
    skip = 0;
    done += size;
  }
  if (done < length) count(CLEW_COUNTER_vector_cut);
  return done;
}
