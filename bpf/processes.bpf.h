// Which processes are followed: children follow their parents, listeners on selected ports join,
// and an exec is captured until user space has judged the new executable.
#pragma once

#include "abi/process.h"
#include "context.bpf.h"
#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>

// The value of `processes` for that process; 0: not selected.
static __always_inline __u32 selection_of(__u32 tgid) {
  if (tgid == settings.own_tgid) return 0;
  if (settings.select_all) return CLEW_SELECTED;
  const __u32 *how = bpf_map_lookup_elem(&processes, &tgid);
  return how ? *how : 0;
}

static __always_inline bool is_selected(__u32 tgid) {
  return selection_of(tgid) != 0;
}

static __always_inline void select_process(__u32 tgid, __u32 how) {
  if (bpf_map_update_elem(&processes, &tgid, &how, BPF_ANY)) {
    count(CLEW_COUNTER_process_table_full);
  }
}

static __always_inline void fill_process(struct clew_process *record, __u8 event, __u32 tgid,
                                         __u32 parent) {
  record->record.kind = CLEW_RECORD_PROCESS;
  record->record.detail = event;
  record->record.tgid = tgid;
  record->record.time_ns = bpf_ktime_get_ns();
  record->parent = parent;
}

// A record without a payload: fork, exit, listen.
static __always_inline void emit_process(__u8 event, __u32 tgid, __u32 parent, __u16 port) {
  struct clew_process *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
  if (!record) {
    count(CLEW_COUNTER_ring_full);
    return;
  }
  __builtin_memset(record, 0, sizeof(*record));
  fill_process(record, event, tgid, parent);
  record->record.flags = port;
  bpf_get_current_comm(record->command, sizeof(record->command));
  bpf_ringbuf_submit(record, 0);
}

static __always_inline void on_listen(const struct sock *sk) {
  __u16 port = sk->__sk_common.skc_num;
  for (int i = 0; i < CLEW_PORT_RANGES; ++i) {
    if (i >= settings.port_ranges) return;
    if (port < settings.ports[i].first || port > settings.ports[i].last) continue;
    __u32 tgid = bpf_get_current_pid_tgid() >> 32;
    if (tgid == settings.own_tgid) return;
    select_process(tgid, CLEW_SELECTED);
    emit_process(CLEW_PROCESS_LISTEN, tgid, 0, port);
    return;
  }
}

static __always_inline void on_fork(struct task_struct *parent, struct task_struct *child) {
  struct thread_state *creator = bpf_task_storage_get(&threads, parent, 0, 0);
  if (creator && creator->owner.span_id) {
    struct thread_state *created =
        bpf_task_storage_get(&threads, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (created) {
      created->owner = creator->owner;
      created->owner.evidence = CLEW_EVIDENCE_CREATED;
    } else {
      count(CLEW_COUNTER_thread_state_full);
    }
  }
  if (child->pid != child->tgid) return;  // a thread
  __u32 parent_tgid = parent->tgid;
  __u32 tgid = child->tgid;
  if (!is_selected(parent_tgid)) return;
  if (!settings.select_all) {
    __u32 *how = bpf_map_lookup_elem(&processes, &parent_tgid);
    select_process(tgid, how ? *how : CLEW_SELECTED);
  }
  emit_process(CLEW_PROCESS_FORK, tgid, parent_tgid, 0);
}

struct exec_record {
  struct clew_process process;
  __u8 arguments[CLEW_ARGUMENT_BYTES];
};

static __always_inline void on_exec(struct task_struct *task, struct linux_binprm *program) {
  __u32 tgid = task->tgid;
  if (tgid == settings.own_tgid) return;
  if (!is_selected(tgid)) {
    if (!settings.judge_executables) return;
    select_process(tgid, CLEW_PENDING);
  }
  struct exec_record *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
  if (!record) {
    count(CLEW_COUNTER_ring_full);
    return;
  }
  __builtin_memset(record, 0, sizeof(*record));
  fill_process(&record->process, CLEW_PROCESS_EXEC, tgid, task->real_parent->tgid);
  bpf_get_current_comm(record->process.command, sizeof(record->process.command));
  bpf_probe_read_kernel_str(record->process.filename, CLEW_FILENAME_BYTES, program->filename);
  struct mm_struct *memory = task->mm;
  unsigned long begin = memory->arg_start;
  __u64 length = memory->arg_end - begin;
  if (length > CLEW_ARGUMENT_BYTES) length = CLEW_ARGUMENT_BYTES;
  if (length && !bpf_probe_read_user(record->arguments, length, (void *)begin)) {
    record->process.argument_length = length;
  }
  bpf_ringbuf_submit(record, 0);
}

static __always_inline void on_exit(struct task_struct *task) {
  __u32 tgid = task->tgid;
  if (task->signal->live.counter != 0) return;  // other threads live on
  if (!is_selected(tgid)) return;
  bpf_map_delete_elem(&processes, &tgid);
  emit_process(CLEW_PROCESS_EXIT, tgid, 0, 0);
}
