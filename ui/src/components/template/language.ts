import { StreamLanguage, type StreamParser } from "@codemirror/language";

/** Where in a template the reader is. */
interface State {
  /** What ends the construct that we are in; null: in text. */
  within: "}" | ">" | null;
  /** Parentheses, brackets and braces that are open in it. */
  depth: number;
  /** The quote that ends the string that we are in. */
  quote: string | null;
  /** Whether we are in a comment. */
  comment: boolean;
}

const WORDS = /^(?:as|in|using|true|false|gt|gte|lt|lte)\b/;

const parser: StreamParser<State> = {
  name: "freemarker",
  startState: () => ({ within: null, depth: 0, quote: null, comment: false }),
  copyState: (state) => ({ ...state }),
  token(stream, state) {
    if (state.comment) {
      if (stream.match("-->")) state.comment = false;
      else stream.next();
      return "comment";
    }
    if (state.within === null) return text(stream, state);
    return expression(stream, state);
  },
};

type Stream = Parameters<StreamParser<State>["token"]>[0];

function text(stream: Stream, state: State): string | null {
  if (stream.match("<#--")) {
    state.comment = true;
    return "comment";
  }
  if (stream.match("${") || stream.match("#{")) {
    Object.assign(state, { within: "}", depth: 0 });
    return "processingInstruction";
  }
  if (stream.match(/^<\/?[#@][\w.]*/)) {
    Object.assign(state, { within: ">", depth: 0 });
    return "keyword";
  }
  // JSON around the constructs is told apart lightly.
  if (stream.match(/^-?\d+(\.\d+)?/)) return "number";
  if (stream.match(/^[{}[\],:]/)) return "punctuation";
  stream.next();
  stream.eatWhile(/[^<$#{}[\],:\d-]/);
  return null;
}

function expression(stream: Stream, state: State): string | null {
  if (state.quote !== null) {
    while (!stream.eol()) {
      const next = stream.next();
      if (next === "\\") stream.next();
      else if (next === state.quote) {
        state.quote = null;
        break;
      }
    }
    return "string";
  }
  if (stream.eatSpace()) return null;
  const quoted = stream.match(/^["']/);
  if (quoted !== null && quoted !== false && quoted !== true) {
    state.quote = quoted[0];
    return "string";
  }
  if (state.depth === 0 && (stream.match("/>") || stream.match(state.within ?? ""))) {
    const ended = state.within;
    state.within = null;
    return ended === "}" ? "processingInstruction" : "keyword";
  }
  if (stream.match(/^[([{]/)) {
    state.depth += 1;
    return "punctuation";
  }
  if (stream.match(/^[)\]}]/)) {
    state.depth = Math.max(0, state.depth - 1);
    return "punctuation";
  }
  if (stream.match(/^\?\?/)) return "operator";
  if (stream.match(/^\?\s*\w+/)) return "function";
  if (stream.match(/^\d+(\.\d+)?/)) return "number";
  if (stream.match(WORDS)) return "keyword";
  if (stream.match(/^\.?[A-Za-z_$@][\w$@]*/)) return "variableName";
  stream.next();
  return "operator";
}

/** FreeMarker's template language, as far as colours need it. */
export const freemarker = StreamLanguage.define(parser);
