/** Characters of what a host says is the matter; more is cut off, for a job has such a text of each host. */
export const HOST_ERROR_CHARACTERS_MAX = 1_000;

/** What a host says, no longer than a row of a job can hold. */
export function boundedError(text: string): string {
  return text.length <= HOST_ERROR_CHARACTERS_MAX ? text : `${text.slice(0, HOST_ERROR_CHARACTERS_MAX - 1)}…`;
}
