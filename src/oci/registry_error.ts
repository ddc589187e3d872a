/** Codes of the distribution API that we answer with ourselves (OCI distribution-spec, "Error Codes"). */
export type RegistryErrorCode =
  | "NAME_INVALID"
  | "UNSUPPORTED"
  | "DENIED"
  | "UNAUTHORIZED"
  | "UNKNOWN"
  | "TOOMANYREQUESTS";

/** An error answer as registries give it: JSON that container runtimes show to people. */
export function registryError(
  status: number,
  code: RegistryErrorCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ errors: [{ code, message }] }, { status, headers: { ...headers } });
}
