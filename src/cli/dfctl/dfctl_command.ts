import { Command } from "commander";
import { auditCommand } from "./audits.ts";
import { clusterCommand } from "./clusters.ts";
import { completionCommand } from "./completion.ts";
import { configCommand } from "./configs.ts";
import type { Choose } from "./context.ts";
import { explainCommand } from "./explain.ts";
import { gcCommand } from "./gc.ts";
import { healthCommand } from "./health.ts";
import { hostCommand } from "./hosts.ts";
import { imageDistributionCommand } from "./image_distribution.ts";
import { instanceCommands } from "./instances.ts";
import { jobCommand } from "./jobs.ts";
import { kubernetesCommand } from "./kubernetes.ts";
import { matchCommand } from "./match.ts";
import { preheatCommand } from "./preheat.ts";
import { savingsCommand } from "./savings.ts";
import { signInCommands } from "./sign_in.ts";
import { taskCommands } from "./tasks.ts";
import { tokenCommand } from "./tokens.ts";
import { topCommand } from "./top.ts";
import { userCommand } from "./users.ts";
import { warmImageCommand } from "./warm_images.ts";

const HELP = `
The manager is the one that login named; where DFCTL_MANAGER and DFCTL_TOKEN are set, that one is asked with that
personal access token. --json prints the bodies of the manager's REST API as they are. Lists begin with the newest or
with the lowest id.

Exit codes:
  0    done
  1    failed for another reason than those below: refused, not signed in, a job that ended with FAILURE
  2    wrong use
  3    the manager, the scheduler or dfdaemon cannot be reached
  7    it took too long
  130  interrupted; a job goes on

Examples:
  dfctl login http://10.0.0.1:8080
  dfctl preheat alpine:3.19 --scope all_peers
  dfctl match --ip 10.1.2.3
  dfctl task list
  dfctl explain alpine:3.19
  dfctl savings --since 24h
  dfctl completion bash > /etc/bash_completion.d/dfctl
`;

/** The command line of dfctl; `choose` is called with what it asks for. */
export function dfctlCommand(choose: Choose = () => {}): Command {
  const program = new Command("dfctl")
    .description("Asks the manager, a scheduler, and the dfdaemon of this host.")
    .addHelpText("after", HELP);
  const groups = {
    "Manager:": [
      ...signInCommands(choose),
      preheatCommand(choose),
      jobCommand(choose),
      warmImageCommand(choose),
      imageDistributionCommand(choose),
      clusterCommand(choose),
      matchCommand(choose),
      savingsCommand(choose),
      ...instanceCommands(choose),
      userCommand(choose),
      tokenCommand(choose),
      configCommand(choose),
      auditCommand(choose),
    ],
    "This host and its scheduler:": [
      ...taskCommands(choose),
      gcCommand(choose),
      hostCommand(choose),
      explainCommand(choose),
      topCommand(choose),
      healthCommand(choose),
    ],
    "Others:": [kubernetesCommand(choose), completionCommand(program, choose)],
  };
  for (const [group, commands] of Object.entries(groups)) {
    for (const command of commands) program.addCommand(command.helpGroup(group));
  }
  return program.helpCommand(false);
}
