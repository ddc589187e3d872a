/** What a role may do with a kind of object; `*` is everything, reading included. */
export type Action = "read" | "*";

/** A right: what may be done with the routes of one group, such as `clusters`. */
export interface Permission {
  readonly object: string;
  readonly action: Action;
}

/** Roles, their rights, and who has them (manager-rest.md §3). A role exists as long as it has a right. */
export interface RoleStore {
  /** The names of all roles. */
  roles(): Promise<string[]>;
  permissionsOf(role: string): Promise<Permission[]>;
  /** Gives a role what it has not; how many of them were new. */
  addPermissions(role: string, permissions: readonly Permission[]): Promise<number>;
  /** Whether the role had it. */
  removePermission(role: string, permission: Permission): Promise<boolean>;
  /** Takes all rights of a role, and the role from everybody; whether there was any. */
  removeRole(role: string): Promise<boolean>;
  rolesOfUser(userId: number): Promise<string[]>;
  /** Whether the user had it not. */
  grant(userId: number, role: string): Promise<boolean>;
  /** Whether the user had it. */
  revoke(userId: number, role: string): Promise<boolean>;
  /** What all roles of a user allow together. */
  permissionsOfUser(userId: number): Promise<Permission[]>;
}
