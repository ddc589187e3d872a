import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { dfcacheCommand } from "../cli/dfcache_command.ts";
import { dfctlCommand } from "../cli/dfctl/dfctl_command.ts";
import { dfgetCommand } from "../cli/dfget_command.ts";
import { doctorCommand } from "../doctor/doctor_command.ts";
import { ManagerConfig } from "../config/manager.ts";
import { installCommand, uninstallCommand } from "../install/command.ts";
import { parseArguments, withCommonOptions } from "../runtime/command_line.ts";
import { EXIT } from "../runtime/main.ts";
import { runCompletion } from "./completion.ts";
import { PROGRAMS } from "./damselfly.ts";
import { demoCommand } from "./demo.ts";
import { componentCommand } from "./run_component.ts";
import { upCommand, type UpFlags, upPlaces } from "./up_options.ts";

/** Parses arguments as a main does; returns the exit code and what was written. */
function parse(command: ReturnType<typeof demoCommand>, args: readonly string[]) {
  let text = "";
  const write = (part: string) => void (text += part);
  const code = parseArguments(withCommonOptions(command, { print: write, printError: write }), args);
  return { code, text };
}

const COMMANDS = {
  demo: demoCommand,
  up: upCommand,
  manager: () => componentCommand({ description: "", schema: ManagerConfig }),
};

Deno.test("--help and --version end with 0, an unknown option with 2", () => {
  for (const [name, make] of Object.entries(COMMANDS)) {
    assert.equal(parse(make(), ["--help"]).code, EXIT.done);
    assert.match(parse(make(), ["--version"]).text, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+`));
    const wrong = parse(make(), ["--nope"]);
    assert.equal(wrong.code, EXIT.usage);
    assert.match(wrong.text, /unknown option '--nope'[^]*--help lists all options/);
  }
});

Deno.test("the help of each command names every option and every exit code", () => {
  const others = [dfgetCommand, dfcacheCommand, dfctlCommand, doctorCommand, installCommand, uninstallCommand];
  for (const make of [...Object.values(COMMANDS), ...others]) {
    const { text } = parse(make(), ["--help"]);
    for (const { long } of make().options.filter(({ hidden }) => !hidden)) {
      assert.ok(text.includes(long ?? ""), `${long} is missing`);
    }
    assert.match(text, /Exit codes:\n +0 /);
  }
});

Deno.test("a component takes keys of its configuration on the command line, and says what is no key and value", () => {
  const command = COMMANDS.manager();
  assert.equal(
    parse(command, ["--set", "server.grpc.port=1", "--set=server.name=a=b", "--set=console=true"]).code,
    undefined,
  );
  assert.deepEqual(command.opts()["set"], { "server.grpc.port": 1, "server.name": "a=b", console: true });
  const wrong = parse(COMMANDS.manager(), ["--set", "verbose"]);
  assert.equal(wrong.code, EXIT.usage);
  assert.match(wrong.text, /Cannot set "verbose": expected a key and a value, key=value/);
});

Deno.test("demo takes one image, before or after its option", () => {
  for (const args of [["alpine", "--insecure"], ["--insecure", "alpine"]]) {
    const command = demoCommand();
    assert.equal(parse(command, args).code, undefined);
    assert.deepEqual([command.processedArgs[0], command.opts()["insecure"]], ["alpine", true]);
  }
  assert.equal(parse(demoCommand(), ["one", "two"]).code, EXIT.usage);
});

Deno.test("a component accepts the flags of Dragonfly's", () => {
  const flags = ["-c", "f.yaml", "-l", "debug", "--console", "--log-dir", "d", "--log-max-files", "6"];
  assert.equal(parse(COMMANDS.manager(), flags).code, undefined);
  assert.equal(parse(COMMANDS.manager(), ["-l", "loud"]).code, EXIT.usage);
});

function placesOf(args: readonly string[]) {
  const command = upCommand();
  assert.equal(parse(command, args).code, undefined);
  return upPlaces(command.opts<UpFlags>());
}

Deno.test("up gives each peer an address of its own with the standard ports", () => {
  const { oneIp: _, ...flags } = upCommand().opts<UpFlags>();
  const places = upPlaces({ ...flags, oneIp: false });
  assert.deepEqual(places.peers, [{ ip: "127.0.0.1", firstPort: 4000 }, { ip: "127.0.0.3", firstPort: 4000 }]);
  assert.deepEqual(places.seed, { ip: "127.0.0.2", firstPort: 4000 });
  assert.deepEqual(places.manager, { ip: "127.0.0.1", grpcPort: 65003, restPort: 8080 });
  assert.deepEqual(places.scheduler, { ip: "127.0.0.1", port: 8002 });
});

Deno.test("up on one address gives each peer ports of its own", () => {
  const places = placesOf(["--one-ip", "--ip", "10.1.2.3", "--peers", "3", "--peer-port", "5000"]);
  assert.deepEqual(places.peers.map(({ firstPort }) => firstPort), [5000, 5020, 5030]);
  assert.deepEqual(places.seed, { ip: "10.1.2.3", firstPort: 5010 });
});

Deno.test("up reaches the registries it is told of by plain HTTP", () => {
  const { upstreams } = placesOf(["--insecure-registry", "localhost:5000", "--insecure-registry", "reg.corp:80"]);
  assert.deepEqual(upstreams[0], { namespace: "localhost:5000", addr: "http://localhost:5000" });
  assert.equal(upstreams.length, 2);
});

Deno.test("up refuses ports, counts and addresses that cannot be", () => {
  for (const args of [["--rest-port", "0"], ["--peers", "17"], ["--ip", "::1"], ["--insecure-registry", "reg"]]) {
    assert.equal(parse(upCommand(), args).code, EXIT.usage, args.join(" "));
  }
});

Deno.test("the program of all programs runs them by name, and knows which there are", async () => {
  const run = async (...args: string[]) => {
    const script = fileURLToPath(new URL("damselfly.ts", import.meta.url));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", script, ...args],
      env: { NO_COLOR: "1" },
    }).output();
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  };
  const [help, unknown, wrongUse, completion, noShell] = await Promise.all([
    run("--help"),
    run("nope"),
    run("dfget", "--nope"),
    run("completion", "bash"),
    run("completion", "csh"),
  ]);
  assert.equal(help.code, EXIT.done);
  const names = ["manager", "scheduler", "dfdaemon", "dfinit", "dfget", "dfcache", "dfctl", "config", "doctor", "up"];
  for (const name of [...names, "install", "uninstall", "demo"]) {
    assert.match(help.text, new RegExp(`^ +${name} `, "m"));
    assert.match(completion.text, new RegExp(`"damselfly ${name}"\\) words=".*--help`));
  }
  assert.match(completion.text, /"damselfly doctor"\) words=".*--image/);
  assert.match(completion.text, /"damselfly dfctl job"\) words="list/);
  assert.deepEqual([completion.code, noShell.code], [EXIT.done, EXIT.usage]);
  assert.equal(unknown.code, EXIT.usage);
  assert.match(unknown.text, /there is no program "nope"/);
  assert.equal(wrongUse.code, EXIT.usage);
  assert.match(wrongUse.text, /dfget --help lists all options/);
});

Deno.test("damselfly prints completions for itself with all programs, and for each of them", async () => {
  const complete = async (...args: string[]) => {
    let [printed, errors] = ["", ""];
    const terminal = {
      print: (text: string) => void (printed += text),
      printError: (text: string) => void (errors += text),
    };
    return { code: await runCompletion(args, PROGRAMS, terminal), printed, errors };
  };
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, printed } = await complete(shell);
    assert.equal(code, EXIT.done);
    for (const path of Object.keys(PROGRAMS)) assert.ok(printed.includes(`"damselfly ${path}"`), `${shell} ${path}`);
    assert.ok(printed.includes("damselfly dfctl task list"), shell);
  }
  for (const name of Object.keys(PROGRAMS)) {
    assert.match((await complete("bash", name)).printed, new RegExp(`complete -o default -F _${name} ${name}\n$`));
  }
  const wrong = await complete("cmd");
  assert.equal(wrong.code, EXIT.usage);
  assert.match(wrong.errors, /bash, zsh, fish/);
});
