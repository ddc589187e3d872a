import { api, dataOf, idPath, pageOf } from "../api/client.ts";

export const GC_TYPES = ["audit", "job"] as const;
export type GcType = (typeof GC_TYPES)[number];

/** The units of a time that records are kept, in seconds; the longest first. */
export const UNITS = { days: 86_400, hours: 3_600, minutes: 60, seconds: 1 } as const;
export type Unit = keyof typeof UNITS;

const NAME = "gc";
const NANOSECONDS = 1e9;

/** How long audits and jobs are kept, in seconds, and where that is written; there may be no row yet. */
export interface GcSetting {
  readonly id: number | undefined;
  readonly seconds: Readonly<Record<GcType, number>>;
}

export async function readGcSetting(signal: AbortSignal): Promise<GcSetting> {
  const { rows } = await pageOf(api.GET("/api/v1/configs", { params: { query: { name: NAME } }, signal }));
  const [row] = rows;
  return { id: row?.id, seconds: parseGcValue(row?.value ?? "{}") };
}

/** Sets how long one kind of rows is kept; the other kind stays as it is. */
export async function writeGcSetting(before: GcSetting, type: GcType, seconds: number, userId: number): Promise<void> {
  const value = gcValue({ ...before.seconds, [type]: seconds });
  if (before.id === undefined) {
    await dataOf(api.POST("/api/v1/configs", { body: { name: NAME, value, user_id: userId } }));
  } else {
    await dataOf(api.PATCH("/api/v1/configs/{id}", { ...idPath(before.id), body: { value } }));
  }
}

/** `{"audit":{"ttl":<ns>},…}` as seconds; what is not said is 0. */
export function parseGcValue(text: string): Record<GcType, number> {
  const parsed = JSON.parse(text) as Partial<Record<GcType, { readonly ttl?: unknown }>>;
  const seconds = (type: GcType) => {
    const ttl = parsed[type]?.ttl;
    return typeof ttl === "number" ? Math.round(ttl / NANOSECONDS) : 0;
  };
  return { audit: seconds("audit"), job: seconds("job") };
}

/** {@link parseGcValue} the other way. */
export function gcValue(seconds: Readonly<Record<GcType, number>>): string {
  return JSON.stringify(Object.fromEntries(GC_TYPES.map((type) => [type, { ttl: seconds[type] * NANOSECONDS }])));
}

/** A time in the longest unit that it is a whole number of. */
export function inUnit(seconds: number): { readonly count: number; readonly unit: Unit } {
  const units = Object.keys(UNITS) as Unit[];
  const unit = units.find((name) => seconds > 0 && seconds % UNITS[name] === 0) ?? "days";
  return { count: seconds / UNITS[unit], unit };
}
