import { DamselflyError } from "../../../core/error.ts";
import type { Identified, Listed, Page, Repository } from "../repository.ts";
import type { Change } from "../changes.ts";
import type { SqlContext } from "./context.ts";
import { type OwnKeys, SqlTable, type TableSpec, type Where } from "./table.ts";

/** What must be given to make a row. */
export type InputOf<Row> = Pick<Row, OwnKeys<Row>>;

/** Records of one table that stand for themselves. */
export class SqlRepository<Row extends Identified, Filter extends Where<Row>>
  implements Repository<Row, InputOf<Row>, Filter> {
  protected readonly context: SqlContext;
  protected readonly table: SqlTable<Row>;
  readonly #change: Change | undefined;

  /** `change` is told after each write, where peers can see it. */
  constructor(context: SqlContext, spec: TableSpec<Row>, change?: Change) {
    this.context = context;
    this.table = new SqlTable(spec, context.log);
    this.#change = change;
  }

  all(): Promise<Row[]> {
    return this.table.select(this.context.database, {});
  }

  list(filter: Filter, page: Page): Promise<Listed<Row>> {
    return this.table.list(this.context.database, filter, page);
  }

  get(id: number): Promise<Row | undefined> {
    return this.find({ id } as Where<Row>);
  }

  create(input: InputOf<Row>): Promise<Row> {
    const { database, clock } = this.context;
    return this.#written(database.transaction(async (sql) => {
      const id = await this.table.insert(sql, input, clock.wallMs());
      return await this.table.existing(sql, id, "store");
    }));
  }

  update(id: number, patch: Partial<InputOf<Row>>): Promise<Row> {
    const { database, clock } = this.context;
    return this.#written(database.transaction(async (sql) => {
      const before = await this.table.existing(sql, id, "change");
      await this.table.update(sql, { id } as Where<Row>, { ...patch, updatedAtMs: clock.wallMs() } as Partial<Row>);
      return await this.table.existing(sql, before.id, "change");
    }));
  }

  async remove(id: number): Promise<void> {
    const { label } = this.table.spec;
    const count = await this.#written(this.table.remove(this.context.database, { id } as Where<Row>));
    if (count === 0) throw new DamselflyError("not_found", `Cannot delete ${label} ${id}: it does not exist`);
  }

  protected find(where: Where<Row>): Promise<Row | undefined> {
    return this.table.find(this.context.database, where);
  }

  async #written<T>(work: Promise<T>): Promise<T> {
    const result = await work;
    if (this.#change !== undefined) this.context.changes.tell(this.#change);
    return result;
  }
}
