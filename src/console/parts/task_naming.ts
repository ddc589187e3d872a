const MIB = 1024 * 1024;

export const PLATFORMS = ["linux/amd64", "linux/arm64"] as const;

/** What makes two tasks of the same URL differ, as it is being written; an empty text asks for nothing. */
export interface TaskNaming {
  readonly pieceLengthMib: string;
  readonly tag: string;
  readonly application: string;
  readonly filteredQueryParams: readonly string[];
}

export const NO_NAMING: TaskNaming = { pieceLengthMib: "", tag: "", application: "", filteredQueryParams: [] };

/** How an image is read at its registry. */
export interface ImageLogin {
  readonly platform: string;
  readonly username: string;
  readonly password: string;
}

export const NO_LOGIN: ImageLogin = { platform: PLATFORMS[0], username: "", password: "" };

/** The arguments of a job that say what a task is called. */
export function namingArgs({ pieceLengthMib, tag, application, filteredQueryParams }: TaskNaming) {
  return {
    ...(pieceLengthMib === "" ? {} : { piece_length: Number(pieceLengthMib) * MIB }),
    ...{ tag, application, filtered_query_params: filteredQueryParams.join("&") },
  };
}

/** The length of pieces as it is written; undefined where it is left to the peers. */
export function pieceLengthMibOf({ piece_length }: Readonly<Record<string, unknown>>): number | undefined {
  return typeof piece_length === "number" && piece_length > 0 ? piece_length / MIB : undefined;
}
