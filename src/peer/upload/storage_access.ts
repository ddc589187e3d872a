import { DamselflyError } from "../../core/error.ts";
import type { ObjectStorage } from "../../rpc/gen/common/v2/common.ts";
import type { ObjectStorageAccess } from "../source/source.ts";

/** Of each text; tokens of temporary keys have some KiB. */
const TEXT_CHARACTERS_MAX = 8 * 1024;

/**
 * How an object storage is reached, as a message says it; what it says of uploads has no meaning for a download. Throws
 * `invalid_argument`, without a word of a key.
 */
export function accessOf(message: ObjectStorage | undefined): ObjectStorageAccess | undefined {
  if (message === undefined) return undefined;
  const { region, endpoint, accessKeyId, accessKeySecret, securityToken, credentialPath, insecureSkipVerify } = message;
  const sessionToken = given(message.sessionToken) ?? securityToken;
  const texts = { region, endpoint, accessKeyId, accessKeySecret, sessionToken };
  const access: Partial<Record<keyof typeof texts, string>> = {};
  for (const [name, text = ""] of Object.entries(texts)) {
    if (text.length > TEXT_CHARACTERS_MAX) throw refused(`${name} has more than ${TEXT_CHARACTERS_MAX} characters`);
    // Keys become a part of headers.
    if (!/^[\x21-\x7e]*$/.test(text)) throw refused(`${name} has characters that it cannot have`);
    if (text !== "") access[name as keyof typeof texts] = text;
  }
  if (given(credentialPath) !== undefined) throw refused("a credential file is Google's, and only keys are supported");
  if ((access.accessKeyId === undefined) !== (access.accessKeySecret === undefined)) {
    throw refused("the access key's id and its secret belong together");
  }
  return { ...access, ...(insecureSkipVerify === true && { insecureSkipVerify }) };
}

function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function refused(why: string): DamselflyError {
  return new DamselflyError("invalid_argument", `Cannot use the access to the object storage: ${why}`);
}
