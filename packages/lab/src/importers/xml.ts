import { Unreadable } from "./problem.ts";

/** One start tag with its attributes, the text up to the next tag, and the line it stands on. */
export interface XmlStart {
  readonly kind: "start";
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Character data between this tag and the next one, entities resolved. */
  readonly text: string;
  readonly line: number;
}
export interface XmlEnd {
  readonly kind: "end";
  readonly name: string;
  readonly line: number;
}

const NAME = /[^\s/>=]+/y;
const ATTRIBUTE = /\s*([^\s/>=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/**
 * Reads the tags of an XML 1.0 document in order, each end matched with its start: what data files need, no more.
 * Comments, processing instructions and the document type are passed over; no entity is fetched or expanded beyond
 * the five predefined ones and character references. Refuses what is not well-formed.
 */
export function* xmlTags(text: string): Generator<XmlStart | XmlEnd> {
  const open: string[] = [];
  let line = 1;
  let counted = 0;
  const lineAt = (offset: number): number => {
    for (let i = text.indexOf("\n", counted); i >= 0 && i < offset; i = text.indexOf("\n", i + 1)) {
      line++;
      counted = i + 1;
    }
    return line;
  };
  for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at)) {
    const here = lineAt(at);
    const skipped = skipNonElement(text, at, here);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    if (text[at + 1] === "/") {
      const end = text.indexOf(">", at);
      const name = text.slice(at + 2, end).trim();
      const opened = open.pop();
      if (end < 0 || name !== opened) {
        throw new Unreadable(here, `</${end < 0 ? "" : name}> does not end <${opened ?? "nothing"}>`);
      }
      yield { kind: "end", name, line: here };
      at = end + 1;
      continue;
    }
    const tag = readStart(text, at, here);
    yield tag.start;
    at = tag.end;
    if (tag.empty) yield { kind: "end", name: tag.start.name, line: here };
    else open.push(tag.start.name);
  }
  const left = open.pop();
  if (left !== undefined)
    throw new Unreadable(lineAt(text.length), `<${left}> is not ended: is the file cut off?`);
}

/** Where to go on behind a comment, instruction, declaration or CDATA at `at`; `at` itself for an element. */
function skipNonElement(text: string, at: number, line: number): number {
  const kinds: readonly (readonly [string, string])[] = [
    ["<!--", "-->"],
    ["<?", "?>"],
    ["<![CDATA[", "]]>"],
    ["<!", ">"],
  ];
  for (const [start, end] of kinds) {
    if (!text.startsWith(start, at)) continue;
    const closed = text.indexOf(end, at + start.length);
    if (closed < 0) throw new Unreadable(line, `"${start}" is not closed`);
    return closed + end.length;
  }
  return at;
}

function readStart(text: string, at: number, line: number): { start: XmlStart; end: number; empty: boolean } {
  NAME.lastIndex = at + 1;
  const name = NAME.exec(text)?.[0];
  if (name === undefined) throw new Unreadable(line, 'a "<" that begins no tag');
  const attributes = new Map<string, string>();
  ATTRIBUTE.lastIndex = NAME.lastIndex;
  let end = NAME.lastIndex;
  for (let match = ATTRIBUTE.exec(text); match !== null; match = ATTRIBUTE.exec(text)) {
    attributes.set(match[1] as string, unescaped(match[2] ?? match[3] ?? ""));
    end = ATTRIBUTE.lastIndex;
  }
  const closing = /\s*(\/?)>/y;
  closing.lastIndex = end;
  const closed = closing.exec(text);
  if (closed === null) throw new Unreadable(line, `<${name}> is not a well-formed tag`);
  const next = text.indexOf("<", closing.lastIndex);
  const body = next < 0 ? "" : text.slice(closing.lastIndex, next);
  const start: XmlStart = { kind: "start", name, attributes, text: unescaped(body.trim()), line };
  return { start, end: closing.lastIndex, empty: closed[1] === "/" };
}

function unescaped(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ENTITIES[name] ?? whole;
  });
}
