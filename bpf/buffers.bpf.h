// Where the bytes of a socket operation lie. Of a send whose begin was seen, the kernel's own
// iterator tells (send_source). Else the registers of the system call that the thread is in do
// (call_source), trusted only if that call is on this very socket.
#pragma once

#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>

enum {
  VECTOR_BLOCKS = 128,         // of one operation: all that a vector can have (IOV_MAX, 1024)
  VECTOR_BLOCKS_UNROLLED = 4,  // where the kernel has no bpf_loop (5.17)
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
  SYS_recvmmsg = 299,
  SYS_sendmmsg = 307,
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

// A system call made for user space by this very thread, whose socket is its own argument: only
// io_uring runs socket operations within an unrelated call of the same thread, and the kernel's own
// sockets have no file.
static __always_inline bool call_is_on_socket(struct task_struct *task, __u64 descriptor,
                                              struct sock *sk) {
  if (bpf_core_field_exists(task->io_uring) && !task->io_uring) {
    struct socket *socket = sk->sk_socket;
    return socket && socket->file;
  }
  return descriptor_is_socket(task, descriptor, sk);
}

static __always_inline bool vector_source(const struct user_msghdr *message, struct source *from) {
  struct user_msghdr copy;
  if (bpf_probe_read_user(&copy, sizeof(copy), message)) return false;
  from->vector = copy.vector;
  from->vector_length = copy.vector_length;
  return true;
}

// Of several messages at once the one under way is not told, but with MSG_WAITFORONE, where every
// one after the first is asked for without waiting.
static __always_inline bool is_first_message(__u64 messages, __u64 call_flags, int flags) {
  if (messages == 1) return true;
  return call_flags & MSG_WAITFORONE && !(flags & MSG_DONTWAIT);
}

// False, with the reason counted, where the bytes cannot be read or must not be.
static __always_inline bool call_source(struct sock *sk, int direction, int flags,
                                        struct source *from) {
  struct task_struct *task = bpf_get_current_task_btf();
  if (task->flags & (PF_KTHREAD | PF_IO_WORKER) || task->thread_info.status & TS_COMPAT) {
    count(CLEW_COUNTER_unreadable);
    return false;
  }
  struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
  if (!call_is_on_socket(task, regs->di, sk)) {
    count(CLEW_COUNTER_foreign_buffer);
    return false;
  }
  bool received = direction == CLEW_RECEIVED;
  bool found = true;
  switch (regs->orig_ax) {
    case SYS_read:
    case SYS_recvfrom:
      found = received;
      from->base = (const void *)regs->si;
      break;
    case SYS_write:
    case SYS_sendto:
      found = !received;
      from->base = (const void *)regs->si;
      break;
    case SYS_readv:
    case SYS_preadv2:
      found = received;
      from->vector = (const struct user_iovec *)regs->si;
      from->vector_length = regs->dx;
      break;
    case SYS_writev:
    case SYS_pwritev2:
      found = !received;
      from->vector = (const struct user_iovec *)regs->si;
      from->vector_length = regs->dx;
      break;
    case SYS_recvmsg:
      found = received && vector_source((void *)regs->si, from);
      break;
    case SYS_sendmsg:
      found = !received && vector_source((void *)regs->si, from);
      break;
    case SYS_recvmmsg:
      found = received && is_first_message(regs->dx, regs->r10, flags) &&
              vector_source((void *)regs->si, from);
      break;
    case SYS_sendmmsg:
      found = !received && regs->dx == 1 && vector_source((void *)regs->si, from);
      break;
    default:
      found = false;
  }
  if (!found) count(CLEW_COUNTER_unreadable);
  return found;
}

// What a send is about to take from user memory. Pages (sendfile, splice) are none of it.
static __always_inline void send_source(struct msghdr *message, struct source *from) {
  const struct iov_iter *iter = &message->msg_iter;
  from->base = NULL;
  from->vector = NULL;
  from->skip = iter->iov_offset;
  if (!bpf_core_field_exists(iter->iter_type)) return;
  const __u8 type = iter->iter_type;
  if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
      type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
    from->base = iter->ubuf;  // no sum: to the verifier of 6.1 it is the kernel's pointer
    return;
  }
  if (type != bpf_core_enum_value(enum iter_type, ITER_IOVEC)) return;
  if (bpf_core_field_exists(iter->__iov)) {
    from->vector = iter->__iov;
  } else {
    const struct iov_iter___until_6_4 *old = (const void *)iter;
    from->vector = BPF_CORE_READ(old, iov);
  }
  from->vector_length = iter->nr_segs;
  from->kernel_vector = 1;
}

static __always_inline long read_parts(const struct source *from, __u32 index, __u32 count,
                                       struct user_iovec *parts) {
  const struct user_iovec *at = from->vector + index;
  const __u32 size = count * sizeof(*parts);
  return from->kernel_vector ? bpf_probe_read_kernel(parts, size, at)
                             : bpf_probe_read_user(parts, size, at);
}

// One step of the walk in the workspace of `*direction`. Returns 1 when there is no next one.
static long walk_block(__u32 block, const __u32 *direction) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, direction);
  if (!to) return 1;
  struct vector_walk *walk = &to->walk;
  const __u32 first = block * VECTOR_BLOCK;
  walk->ended = 1;
  if (first >= walk->from.vector_length) return 1;
  __u64 filled = walk->from.vector_length - first;
  if (filled > VECTOR_BLOCK) filled = VECTOR_BLOCK;
  if (read_parts(&walk->from, first, filled, walk->parts)) {
    count(CLEW_COUNTER_copy_failed);
    return 1;
  }
  for (__u32 i = 0; i < VECTOR_BLOCK; ++i) {
    if (i >= filled || walk->done >= walk->length) return 1;
    const struct user_iovec *part = &walk->parts[i];
    if (walk->skip >= part->length) {
      walk->skip -= part->length;
      continue;
    }
    const __u64 left = part->length - walk->skip;
    const __u32 done = walk->done;
    __u32 size = walk->length - done;
    if (size > left) size = left;
    if (size > CLEW_PIECE_BYTES || done >= CLEW_PIECE_BYTES) return 1;
    if (bpf_probe_read_user(to->payload + done, size, (const __u8 *)part->base + walk->skip)) {
      count(CLEW_COUNTER_copy_failed);
      return 1;
    }
    walk->skip = 0;
    walk->done = done + size;
  }
  walk->ended = 0;
  return walk->done >= walk->length;
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
  skip += from->skip;
  if (from->base) {
    if (bpf_probe_read_user(to->payload, length, (const __u8 *)from->base + skip)) {
      count(CLEW_COUNTER_copy_failed);
      return 0;
    }
    return length;
  }
  struct vector_walk *walk = &to->walk;
  walk->from = *from;
  walk->skip = skip;
  walk->length = length;
  walk->done = 0;
  walk->ended = 0;
  if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
    bpf_loop(VECTOR_BLOCKS, walk_block, &direction, 0);
  } else {
    for (__u32 block = 0; block < VECTOR_BLOCKS_UNROLLED; ++block) {
      if (walk_block(block, &direction)) break;
    }
  }
  if (walk->done < length && !walk->ended) count(CLEW_COUNTER_vector_cut);
  return walk->done;
}
