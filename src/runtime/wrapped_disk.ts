import type { Disk, DiskFile } from "./disk.ts";

/** `disk` with some of its methods replaced, and some of those of the files that it opens. */
export function wrappedDisk(
  disk: Disk,
  methods: Partial<Disk>,
  fileMethods: (file: DiskFile, path: string) => Partial<DiskFile> = () => ({}),
): Disk {
  const openFile: Disk["openFile"] = async (path, options) => {
    const file = await disk.openFile(path, options);
    return replaced(file, fileMethods(file, path));
  };
  return replaced(disk, { openFile, ...methods });
}

function replaced<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(Object.hasOwn(methods, name) ? methods : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
