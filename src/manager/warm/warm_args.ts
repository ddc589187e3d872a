import { withoutSecrets } from "../rest/job_redaction.ts";
import type { Seal } from "../seal.ts";
import { JsonObject } from "../store/records.ts";

/** For what the manager seals with a key of its own; what is sealed under this name opens under no other. */
export const WARM_PURPOSE = "warm images";

/** The arguments of warm images, which hold credentials of registries: stored sealed, shown without secrets. */
export class WarmArgs {
  readonly #seal: Pick<Seal, "seal" | "open">;

  /** `seal` is one for {@link WARM_PURPOSE}. */
  constructor(seal: Pick<Seal, "seal" | "open">) {
    this.#seal = seal;
  }

  /** What is stored of the arguments of the warm image with this name. */
  stored(name: string, args: JsonObject): { readonly args: JsonObject; readonly sealedArgs: string } {
    return { args: withoutSecrets(args), sealedArgs: this.#seal.seal(JSON.stringify(args), name) };
  }

  /** The arguments with their secrets. Throws `data_loss` when the key of the manager is another one than then. */
  open({ name, sealedArgs }: { readonly name: string; readonly sealedArgs: string }): JsonObject {
    return JsonObject.parse(JSON.parse(this.#seal.open(sealedArgs, name)));
  }
}
