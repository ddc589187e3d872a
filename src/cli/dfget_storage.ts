import { InvalidArgumentError, Option } from "commander";
import type { ObjectStorage } from "../rpc/gen/common/v2/common.ts";
import type { ObjectStorageAccess } from "../peer/source/source.ts";

/** What Dragonfly's dfget sends when nothing else is said. */
export const DEFAULT_PREDEFINED_ACL = "publicRead";

/** What the options of object storages say. */
export interface StorageFlags {
  readonly storageRegion?: string;
  readonly storageEndpoint?: string;
  readonly storageAccessKeyId?: string;
  readonly storageAccessKeySecret?: string;
  readonly storageSessionToken?: string;
  readonly storageSecurityToken?: string;
  readonly storageInsecureSkipVerify?: boolean;
  readonly storagePredefinedAcl: string;
}

/** The options of object storages, which only `s3://` URLs have. */
export function storageOptions(): Option[] {
  return [
    new Option("--storage-region <region>", "region of the bucket; us-east-1 when left out"),
    new Option(
      "--storage-endpoint <url>",
      "URL of an S3-compatible storage; {bucket} in it is where the bucket's name goes, if not in the path",
    ),
    new Option("--storage-access-key-id <id>", "id of the access key; without one, requests are not signed"),
    new Option("--storage-access-key-secret <secret>", "secret of the access key; better set in the environment"),
    new Option("--storage-session-token <token>", "token of temporary keys"),
    new Option("--storage-security-token <token>", "the same, under the name that other storages have for it"),
    new Option("--storage-insecure-skip-verify <value>", "true: do not check the endpoint's certificate")
      .argParser(parseBoolean),
    new Option("--storage-predefined-acl <name>", "accepted as in Dragonfly; it is about uploads")
      .default(DEFAULT_PREDEFINED_ACL),
  ];
}

/** How the storage is reached; undefined when a half of the keys is missing. */
export function accessOf(flags: StorageFlags): ObjectStorageAccess | undefined {
  const { storageRegion, storageEndpoint, storageAccessKeyId, storageAccessKeySecret } = flags;
  if ((storageAccessKeyId === undefined) !== (storageAccessKeySecret === undefined)) return undefined;
  return {
    region: storageRegion,
    endpoint: storageEndpoint,
    accessKeyId: storageAccessKeyId,
    accessKeySecret: storageAccessKeySecret,
    sessionToken: flags.storageSessionToken ?? flags.storageSecurityToken,
    insecureSkipVerify: flags.storageInsecureSkipVerify,
  };
}

/** The same as dfdaemon is told. */
export function storageMessage(access: ObjectStorageAccess, flags: StorageFlags): ObjectStorage {
  return { ...access, predefinedAcl: flags.storagePredefinedAcl };
}

function parseBoolean(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("expected true or false");
}
