/** How long a token may last: days, or for good. */
export const EXPIRIES = ["7", "30", "60", "90", "custom", "never"] as const;
export type Expiry = (typeof EXPIRIES)[number];

const DAY_MS = 24 * 60 * 60 * 1_000;
/** What stock consoles take for never. */
const NEVER_DAYS = 3_650;

/** When a token ends that is made at `nowMs`; a day of one's own choice is a `YYYY-MM-DD` and lasts until its end. */
export function expiryTime(expiry: Expiry, day: string, nowMs: number): string {
  if (expiry === "custom") return new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS - 1_000).toISOString();
  return new Date(nowMs + (expiry === "never" ? NEVER_DAYS : Number(expiry)) * DAY_MS).toISOString();
}
