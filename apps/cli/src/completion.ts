import type { Command, Option } from "commander";
import { DESCRIBED } from "./commands/describe.ts";
import { RESOURCES } from "./resources/index.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** One word that may come next, with what it means. */
interface Word {
  readonly word: string;
  readonly meaning: string;
}

/** What may follow one command: its subcommands, flags and the words of its first argument. */
interface Place {
  /** Words of the command behind `weft`, such as `token create`. */
  readonly path: string;
  readonly words: readonly Word[];
  readonly flags: readonly Flag[];
  /** Where the arguments are names of this kind, asked of the manager when they are wanted. */
  readonly names: string | null;
}

interface Flag extends Word {
  readonly choices: readonly string[];
  readonly takesFile: boolean;
  readonly takesValue: boolean;
}

/** Commands whose arguments are names of tasks. */
const NAMES_TASKS = new Set(["explain", "logs", "result", "wait", "delete"]);
/** Commands whose first argument is a kind of resource. */
const RESOURCE_WORDS: Readonly<Record<string, readonly string[]>> = {
  get: RESOURCES.map(({ plural }) => plural),
  describe: DESCRIBED,
};

/** A completion script made from the tree of commands itself, so that the two never differ. */
export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program, "");
  return { bash, zsh, fish }[shell](places);
}

function placesOf(command: Command, path: string): readonly Place[] {
  const subcommands = command.commands.filter((sub) => sub.name() !== "help");
  const name = path.split(" ")[0] as string;
  const own: Place = {
    path,
    words: [
      ...subcommands.map((sub) => ({ word: sub.name(), meaning: sub.summary() || sub.description() })),
      ...command.registeredArguments
        .slice(0, 1)
        .flatMap((argument) =>
          (argument.argChoices ?? []).map((word) => ({ word, meaning: argument.description })),
        ),
      ...(RESOURCE_WORDS[name] ?? []).map((word) => ({ word, meaning: "resource" })),
    ],
    flags: command.options.filter((option) => !option.hidden).flatMap(flagsOf),
    names: NAMES_TASKS.has(name) ? "tasks" : null,
  };
  return [
    own,
    ...subcommands.flatMap((sub) => placesOf(sub, path === "" ? sub.name() : `${path} ${sub.name()}`)),
  ];
}

function flagsOf(option: Option): readonly Flag[] {
  const words = [option.long, option.short].filter((word) => typeof word === "string");
  return words.map((word) => ({
    word,
    meaning: option.description,
    choices: option.argChoices ?? [],
    takesValue: option.required || option.optional,
    takesFile: /<file>/.test(option.flags),
  }));
}

/** Asks the manager for names, quickly and without a word when none answers. */
const NAMES = (kind: string): string => `weft get ${kind} -o name 2>/dev/null | cut -d/ -f2- | sort -u`;

function bash(places: readonly Place[]): string {
  const cases = places.map(({ path, words, flags, names }) => {
    const all = [...words, ...flags].map(({ word }) => word).join(" ");
    const asked = names === null ? "" : `; [[ $cur != -* ]] && words="$words $(${NAMES(names)})"`;
    return `    "${path}") words="${all}"${asked} ;;`;
  });
  const values = valueFlags(places).map(({ takesFile, choices, where }) => {
    const words = takesFile ? "-f" : `-W "${choices.join(" ")}"`;
    return `    ${where.map((at) => `"${at}"`).join("|")}) COMPREPLY=($(compgen ${words} -- "$cur")); return ;;`;
  });
  return `# bash completion of weft
_weft() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
${commandPaths(places)
  .map((path) => `      "${path.includes(" ") ? path : ` ${path}`}") path="${path}" ;;`)
  .join("\n")}
    esac
  done
  case "$path $prev" in
${values.join("\n")}
  esac
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _weft weft`;
}

function zsh(places: readonly Place[]): string {
  const cases = places.map(({ path, words, flags, names }) => {
    const described = [...words, ...flags]
      .map(({ word, meaning }) => `'${word}:${meaning.replaceAll("'", "'\\''")}'`)
      .join(" ");
    const asked = names === null ? "" : `; names=(\${(f)"$(${NAMES(names)})"})`;
    return `    '${path}') offered=(${described})${asked} ;;`;
  });
  const values = valueFlags(places).map(({ takesFile, choices, where }) => {
    const words = takesFile ? "_files" : `compadd -- ${choices.join(" ")}`;
    return `    ${where.map((at) => `'${at}'`).join("|")}) ${words}; return ;;`;
  });
  return `#compdef weft
_weft() {
  local -a offered names
  local where="" i
  for ((i = 2; i < CURRENT; i++)); do
    case "$where $words[i]" in
${commandPaths(places)
  .map((path) => `      '${path.includes(" ") ? path : ` ${path}`}') where='${path}' ;;`)
  .join("\n")}
    esac
  done
  case "$where $words[CURRENT-1]" in
${values.join("\n")}
  esac
  case "$where" in
${cases.join("\n")}
  esac
  _describe 'weft' offered
  (( \${#names} )) && compadd -a names
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _weft weft`;
}

function fish(places: readonly Place[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = places.flatMap(({ path, words, flags, names }) => {
    const here = `complete -c weft -n '__weft_at "${path}"'`;
    return [
      ...words.map(({ word, meaning }) => `${here} -f -a ${word} -d ${quoted(meaning)}`),
      ...(names === null ? [] : [`${here} -f -a '(${NAMES(names)})'`]),
      ...flags.map(({ word, meaning, choices, takesValue, takesFile }) => {
        const flag = word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        const words = choices.length === 0 ? "" : ` -a '${choices.join(" ")}'`;
        const value = takesFile ? " -r -F" : takesValue ? ` -x${words}` : "";
        return `${path === "" ? "complete -c weft" : here} ${flag}${value} -d ${quoted(meaning)}`;
      }),
    ];
  });
  return `# fish completion of weft
function __weft_at
  set -l path ''
  for word in (commandline -opc)[2..-1]
    switch "$path $word"
${commandPaths(places)
  .map((path) => `      case '${path.includes(" ") ? path : ` ${path}`}'\n        set path '${path}'`)
  .join("\n")}
    end
  end
  test "$path" = "$argv"
end
${lines.join("\n")}`;
}

const commandPaths = (places: readonly Place[]): readonly string[] =>
  places.map(({ path }) => path).filter((path) => path !== "");

interface ValueFlags {
  readonly takesFile: boolean;
  readonly choices: readonly string[];
  /** Command and flag, such as `run -f`: the same flag may be a value's behind one command and none behind another. */
  readonly where: readonly string[];
}

/** Flags behind which a file or one of some words comes, those with the same answer together. */
function valueFlags(places: readonly Place[]): readonly ValueFlags[] {
  const groups = new Map<string, { takesFile: boolean; choices: readonly string[]; where: string[] }>();
  for (const { path, flags } of places) {
    for (const { word, takesValue, takesFile, choices } of flags) {
      if (!takesValue || (!takesFile && choices.length === 0)) continue;
      const answer = takesFile ? "" : choices.join(" ");
      const group = groups.get(answer) ?? { takesFile, choices, where: [] };
      groups.set(answer, group);
      group.where.push(`${path} ${word}`);
    }
  }
  return [...groups.values()];
}
