import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, type Text } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { completeTemplate, type Scope } from "./completion";
import { values } from "./hover";
import { freemarker } from "./language";
import classes from "./editor.module.css";

/** Something wrong with a template, with its place. */
export interface TemplateProblem {
  message: string;
  line?: number | null;
  column?: number | null;
}

interface EditorProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  problems: TemplateProblem[];
  scope: Scope;
  readOnly?: boolean;
  /** Where to go, each time that it is another object. */
  jump?: Place | undefined;
}

/** A place in the text, from 1. */
export interface Place {
  line?: number | null;
  column?: number | null;
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--ms-word)" },
  { tag: tags.processingInstruction, color: "var(--ms-accent-text)", fontWeight: "600" },
  { tag: tags.variableName, color: "var(--ms-accent-text)" },
  { tag: tags.function(tags.variableName), color: "var(--ms-number)" },
  { tag: tags.string, color: "var(--ms-string)" },
  { tag: tags.number, color: "var(--ms-number)" },
  { tag: tags.comment, color: "var(--ms-muted)", fontStyle: "italic" },
  { tag: tags.operator, color: "var(--ms-muted)" },
]);

/** An editor for FreeMarker templates. Escape, then Tab leaves it by keyboard. */
export default function TemplateEditor({ label, value, onChange, problems, scope, readOnly = false, jump }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  // What the editor is made with is read once; later values come by the effects below.
  const latest = useRef({ value, onChange, scope });
  useEffect(() => {
    latest.current = { value, onChange, scope };
  });
  const locked = useRef(new Compartment());

  useEffect(() => {
    if (place.current === null) return;
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          closeBrackets(),
          highlightActiveLine(),
          freemarker,
          syntaxHighlighting(colours),
          values(() => latest.current.scope.seen),
          autocompletion({ override: [completeTemplate(() => latest.current.scope)] }),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label }),
          locked.current.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, [label]);

  useEffect(() => {
    const editor = view.current;
    if (editor !== null && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);

  useEffect(() => {
    const settings = [EditorState.readOnly.of(readOnly), EditorView.editable.of(!readOnly)];
    view.current?.dispatch({ effects: locked.current.reconfigure(settings) });
  }, [readOnly]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null) return;
    const found = problems.map((problem) => diagnostic(editor.state.doc, problem));
    editor.dispatch(setDiagnostics(editor.state, found));
  }, [problems]);

  useEffect(() => {
    if (jump !== undefined && view.current !== null) show(view.current, jump);
  }, [jump]);

  return (
    <div>
      <div ref={place} className={classes.editor} />
      {problems.length > 0 && (
        <ul className={classes.problems} aria-live="polite">
          {problems.map((problem) => (
            <li key={`${String(problem.line)}:${String(problem.column)}:${problem.message}`}>
              <button
                type="button"
                onClick={() => {
                  const editor = view.current;
                  if (editor === null) return;
                  show(editor, problem);
                }}
              >
                {problem.line != null && <span className="mono numbers">Line {problem.line}</span>} {problem.message}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function show(editor: EditorView, place: Place): void {
  const { from } = diagnostic(editor.state.doc, { message: "", ...place });
  editor.dispatch({ selection: { anchor: from }, scrollIntoView: true });
  editor.dom.scrollIntoView({ block: "nearest" });
  editor.focus();
}

/** A problem as the editor shows it: from its place to the end of the word there. */
function diagnostic(text: Text, { message, line, column }: TemplateProblem): Diagnostic {
  const found = text.line(Math.min(Math.max(line ?? 1, 1), text.lines));
  const from = Math.min(found.from + Math.max((column ?? 1) - 1, 0), found.to);
  const word = /^[\w.$?{<#/]+/.exec(text.sliceString(from, found.to))?.[0].length ?? 1;
  return { from, to: Math.min(from + word, found.to), severity: "error", message };
}
