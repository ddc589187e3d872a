/** True when `url` answers 200, else undefined. */
export async function answers(url: string, signal: AbortSignal): Promise<true | undefined> {
  const answer = await fetch(url, { signal });
  await answer.body?.cancel();
  return answer.status === 200 || undefined;
}
