import type { State, Task } from "./core/state.ts";

/** Tasks that one name means at most; a blob is more than one only where peers name it by their URLs. */
const TASKS_MAX = 10;

/** The task of an id, or those of a digest. */
export function tasksNamed({ tasks }: Pick<State, "tasks">, name: string): Task[] {
  const task = tasks.get(name) ?? tasks.get(name.replace(/^sha256:/, ""));
  if (task !== undefined || !name.includes(":")) return task === undefined ? [] : [task];
  const isNamed = ({ facts: { digest, url } }: Task) => digest === name || url.endsWith(`/${name}`);
  return [...tasks.values().filter(isNamed).take(TASKS_MAX)];
}
