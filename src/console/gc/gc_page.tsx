import { Alert, Button, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, dataOf } from "../api/client.ts";
import { useMay, useSession } from "../api/session.tsx";
import { Confirmed } from "../parts/confirmed.tsx";
import { Failure } from "../parts/failure.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { Panel } from "../parts/panel.tsx";
import { submitted } from "../parts/submitted.ts";
import { useText } from "../text/use_text.tsx";
import { GcHistory } from "./gc_history.tsx";
import { type GcSetting, type GcType, inUnit, readGcSetting, type Unit, UNITS, writeGcSetting } from "./gc_setting.ts";

/** How long one kind of rows is kept, what was removed, and the means to do it now. */
export function GcPage({ type }: { readonly type: GcType }) {
  const { gc } = useText();
  const queries = useQueryClient();
  const mayChange = useMay("jobs");
  const query = useQuery({ queryKey: ["gc"], queryFn: ({ signal }) => readGcSetting(signal) });
  const run = () => {
    return dataOf(api.POST("/api/v1/jobs", { body: { type: "gc", args: { type } } }));
  };
  const actions = (
    <Confirmed
      {...{ label: gc.run, title: gc.run, hint: gc.runHint, word: "GC", run }}
      onDone={() => queries.invalidateQueries({ queryKey: ["jobs"] })}
    />
  );
  return (
    <>
      <PageTitle actions={mayChange && actions}>{gc[type]}</PageTitle>
      <Panel title={gc.keep}>
        <Loaded query={query}>{(setting) => <Keep key={type} type={type} setting={setting} />}</Loaded>
      </Panel>
      <Panel title={gc.history}>
        <GcHistory />
      </Panel>
    </>
  );
}

function Keep({ type, setting }: { readonly type: GcType; readonly setting: GcSetting }) {
  const { common, gc } = useText();
  const { user } = useSession();
  const queries = useQueryClient();
  const mayChange = useMay("configs");
  const now = inUnit(setting.seconds[type]);
  const { mutate, error, isPending, isSuccess } = useMutation({
    mutationFn: ({ count = "", unit = "" }: Record<string, string>) => {
      return writeGcSetting(setting, type, Number(count) * UNITS[unit as Unit], user.id);
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["gc"] }),
  });
  return (
    <form onSubmit={submitted(mutate)} className="filters">
      {error !== null && <Failure error={error} />}
      {isSuccess && <Alert color="green" role="status">{gc.saved}</Alert>}
      <TextInput
        {...{ type: "number", min: 1, step: 1, required: true, readOnly: !mayChange }}
        name="count"
        label={gc.keep}
        defaultValue={now.count}
      />
      <NativeSelect
        name="unit"
        aria-label={gc.ttl}
        defaultValue={now.unit}
        disabled={!mayChange}
        data={(Object.keys(UNITS) as Unit[]).map((value) => ({ value, label: gc.units[value] }))}
      />
      {mayChange && <Button type="submit" loading={isPending}>{common.save}</Button>}
    </form>
  );
}
