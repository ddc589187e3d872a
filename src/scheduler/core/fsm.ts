/** Where a peer's download stands; the words are those on the wire (wire.md §4.2). */
export type PeerState =
  | "Pending"
  | "ReceivedEmpty"
  | "ReceivedNormal"
  | "Running"
  | "BackToSource"
  | "Succeeded"
  | "Failed"
  | "Leave";

/** What happens to a peer. */
export type PeerStep = "register_empty" | "register" | "download" | "back_to_source" | "succeed" | "fail" | "leave";

/** Where a task stands; the words are those on the wire (wire.md §4.2). */
export type TaskState = "Pending" | "Running" | "Succeeded" | "Failed" | "Leave";

/** What happens to a task. */
export type TaskStep = "download" | "succeed" | "fail" | "leave";

interface Transition<S> {
  readonly from: readonly S[];
  readonly to: S;
}

const RECEIVED = ["ReceivedEmpty", "ReceivedNormal"] as const;

const PEER: Record<PeerStep, Transition<PeerState>> = {
  register_empty: { from: ["Pending"], to: "ReceivedEmpty" },
  register: { from: ["Pending"], to: "ReceivedNormal" },
  download: { from: RECEIVED, to: "Running" },
  back_to_source: { from: [...RECEIVED, "Running"], to: "BackToSource" },
  succeed: { from: [...RECEIVED, "Running", "BackToSource"], to: "Succeeded" },
  fail: { from: ["Pending", ...RECEIVED, "Running", "BackToSource", "Succeeded"], to: "Failed" },
  leave: {
    from: ["Pending", ...RECEIVED, "Running", "BackToSource", "Succeeded", "Failed"],
    to: "Leave",
  },
};

const TASK: Record<TaskStep, Transition<TaskState>> = {
  download: { from: ["Pending", "Succeeded", "Failed", "Leave"], to: "Running" },
  succeed: { from: ["Leave", "Running", "Failed"], to: "Succeeded" },
  fail: { from: ["Running"], to: "Failed" },
  leave: { from: ["Pending", "Running", "Succeeded", "Failed"], to: "Leave" },
};

/** The state after `step`, undefined when the step is not allowed from `state`. */
export function nextPeerState(state: PeerState, step: PeerStep): PeerState | undefined {
  return PEER[step].from.includes(state) ? PEER[step].to : undefined;
}

/** The state after `step`, undefined when the step is not allowed from `state`. */
export function nextTaskState(state: TaskState, step: TaskStep): TaskState | undefined {
  return TASK[step].from.includes(state) ? TASK[step].to : undefined;
}
