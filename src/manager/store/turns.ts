/** What one of the managers of a database does from time to time. */
export interface TurnStore {
  /**
   * Takes the turn `name` if one is due; whether it is the caller's. The next is due in `holdMs` unless {@link next} says
   * otherwise: so it is when its owner dies. One that is further away than `everyMs` is of an older configuration, and due.
   */
  take(name: string, turn: { readonly everyMs: number; readonly holdMs: number }): Promise<boolean>;
  /** Says that the next turn is due in `inMs`. */
  next(name: string, inMs: number): Promise<void>;
}
