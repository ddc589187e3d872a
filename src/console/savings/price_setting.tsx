import { Alert, Button, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, dataOf, idPath, pageOf } from "../api/client.ts";
import { useMay, useSession } from "../api/session.tsx";
import { Failure } from "../parts/failure.tsx";
import { Panel } from "../parts/panel.tsx";
import { submitted } from "../parts/submitted.ts";
import { useText } from "../text/use_text.tsx";
import type { Price } from "./amounts.ts";

const NAME = "origin-price";

/** What bytes from registries cost, for all who look: a setting of the manager. Shown to whoever may change it. */
export function PriceSetting({ price }: { readonly price: Price | null }) {
  const { common, gc, savings } = useText();
  const { user } = useSession();
  const queries = useQueryClient();
  const mayChange = useMay("configs");
  const { mutate, error, isPending, isSuccess } = useMutation({
    mutationFn: ({ price: perGb = "", currency = "" }: Record<string, string>) => {
      return writePrice({ per_gb: Number(perGb), currency: currency.toUpperCase() }, user.id);
    },
    onSuccess: () => Promise.all(["savings", "overview"].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  if (!mayChange) return null;
  return (
    <Panel title={savings.price} hint={savings.priceHint}>
      <form onSubmit={submitted(mutate)} className="filters">
        {error !== null && <Failure error={error} />}
        {isSuccess && <Alert color="green" role="status">{gc.saved}</Alert>}
        <TextInput
          {...{ type: "number", min: 0, max: 1_000_000, step: "any", required: true }}
          name="price"
          label={savings.perGb}
          defaultValue={price?.per_gb}
        />
        <TextInput
          {...{ pattern: "[A-Za-z]{3}", required: true, maxLength: 3 }}
          name="currency"
          label={savings.currency}
          defaultValue={price?.currency ?? "USD"}
        />
        <Button type="submit" loading={isPending}>{common.save}</Button>
      </form>
    </Panel>
  );
}

async function writePrice(price: Price, userId: number): Promise<void> {
  const value = JSON.stringify(price);
  const { rows: [row] } = await pageOf(api.GET("/api/v1/configs", { params: { query: { name: NAME } } }));
  if (row === undefined) await dataOf(api.POST("/api/v1/configs", { body: { name: NAME, value, user_id: userId } }));
  else await dataOf(api.PATCH("/api/v1/configs/{id}", { ...idPath(row.id), body: { value } }));
}
