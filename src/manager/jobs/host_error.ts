/** Characters of what a host or a scheduler says is the matter; more is cut off, for a job has many such texts. */
export const HOST_ERROR_CHARACTERS_MAX = 1_000;

/** What they say, no longer than a row of a job can hold. */
export function boundedError(text: string): string {
  return text.length <= HOST_ERROR_CHARACTERS_MAX ? text : `${text.slice(0, HOST_ERROR_CHARACTERS_MAX - 1)}…`;
}
