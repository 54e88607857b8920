import { Alert, Button, FileInput, Group, Loader, NumberInput, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Code } from "@/components/code";
import { done } from "@/components/notices";
import { Failed } from "@/components/states";
import { replaysQuery } from "@/features/failures/queries";
import { Trial } from "@/features/failures/trial";
import { inNumbers } from "@/features/overview/figures";
import type { Sync } from "@/features/syncs/queries";
import { importCommand } from "./command";
import { NOTHING, type Report, tryOut, upload } from "./upload";
import classes from "./again.module.css";

interface FormProps {
  sync: Sync;
  /** The project's name, for the command. */
  project: string;
  /** Told while files are read: the page must stay. */
  onBusy: (busy: boolean) => void;
  onDone: () => void;
}

/** Reads archives of Amplitude's Export API in the browser and hands their lines over. */
export function ImportForm({ sync, project, onBusy, onDone }: FormProps) {
  const client = useQueryClient();
  const path = { project: sync.project, sync: sync.id };
  const [archives, setArchives] = useState<File[]>([]);
  const [rate, setRate] = useState<number | null>(null);
  const [report, setReport] = useState<Report | null>(null);
  const [step, setStep] = useState<"digest" | "lines">("lines");
  const stop = useRef<AbortController>(undefined);
  const begin = () => {
    stop.current?.abort();
    stop.current = new AbortController();
    setReport(NOTHING);
    return stop.current.signal;
  };
  const tried = useMutation({ mutationFn: () => tryOut({ ...path, archives, signal: begin(), onReport: setReport }) });
  const send = useMutation({
    mutationFn: () => upload({ ...path, archives, perMinute: rate, signal: begin(), onStep: setStep, onReport: setReport }),
    onSettled: () => void client.invalidateQueries({ queryKey: replaysQuery(path).queryKey }),
    onSuccess: ({ known }) => {
      done(known ? "These archives were imported to this sync before." : sync.enabled ? "Everything was read and is being sent." : "Everything was read. It is sent as soon as the sync is enabled.");
    },
  });
  const busy = tried.isPending || send.isPending;
  useEffect(() => {
    onBusy(busy);
    if (!busy) return;
    const ask = (event: BeforeUnloadEvent) => {
      event.preventDefault();
    };
    window.addEventListener("beforeunload", ask);
    return () => {
      window.removeEventListener("beforeunload", ask);
    };
  }, [busy, onBusy]);
  // Whoever leaves reads no further; what was taken stays, and the same files go on from there.
  useEffect(() => () => stop.current?.abort(), []);
  const stopped = (error: unknown) => error instanceof DOMException && error.name === "AbortError";
  // Whatever was begun last is shown.
  const dry = send.isIdle;
  const problem = send.error ?? tried.error;
  return (
    <Stack>
      <FileInput
        label="Archives"
        description="As Amplitude's Export API returns them: a zip of gzipped files. Single .json.gz and plain JSON files work, too."
        placeholder="Choose files"
        accept=".zip,.gz,.json"
        multiple
        clearable
        clearButtonProps={{ "aria-label": "Clear" }}
        disabled={busy}
        value={archives}
        onChange={(files) => {
          setArchives(files);
          setReport(null);
          send.reset();
          tried.reset();
        }}
      />
      <NumberInput
        label="Maximum requests per minute"
        placeholder="As fast as the sync sends"
        w={{ base: "100%", xs: 380 }}
        min={1}
        max={1_000_000}
        allowDecimal={false}
        disabled={busy}
        value={rate ?? ""}
        onChange={(value) => {
          setRate(typeof value === "number" ? value : null);
        }}
      />
      <Text size="sm" c="dimmed">
        Only {sync.name} gets these events, as it selects and renders them; no list shows them, and they change no user. The same
        archives are not imported twice.
      </Text>
      {report !== null && <ReportView report={report} reads={busy} dry={dry} digest={send.isPending && step === "digest"} />}
      {dry && tried.data !== undefined && <Trial trial={tried.data.trial} of="archive" perMinute={rate} />}
      {problem !== null && !stopped(problem) && <Failed error={problem} what={dry ? "The dry run failed" : "The archive can't be read or sent"} />}
      {problem !== null && stopped(problem) && (
        <Alert color="gray">
          {dry ? "Stopped. Nothing was sent." : "Stopped. What was taken so far is sent; choose the same files again to go on, or cancel the import in the list."}
        </Alert>
      )}
      <Group justify="space-between">
        <Button
          variant="subtle"
          color="gray"
          disabled={archives.length === 0 || busy}
          loading={tried.isPending}
          onClick={() => {
            send.reset();
            tried.mutate();
          }}
        >
          Dry run
        </Button>
        {busy ? (
          <Button
            variant="default"
            onClick={() => {
              stop.current?.abort();
            }}
          >
            Stop reading
          </Button>
        ) : send.isSuccess ? (
          <Button onClick={onDone}>Done</Button>
        ) : (
          <Button
            disabled={archives.length === 0}
            onClick={() => {
              tried.reset();
              send.mutate();
            }}
          >
            Import
          </Button>
        )}
      </Group>
      <details className={classes.command}>
        <summary>By the command line, for archives of many gigabytes</summary>
        <Code text={importCommand(archives.map(({ name }) => name), project, sync.name, rate)} label="Command that imports the archives" />
        <Text size="xs" c="dimmed" mt={6}>
          It continues an import that was started here, and the other way round.
        </Text>
      </details>
    </Stack>
  );
}

interface ReportProps {
  report: Report;
  reads: boolean;
  /** Nothing is sent: lines are only looked at. */
  dry: boolean;
  digest: boolean;
}

function ReportView({ report, reads, dry, digest }: ReportProps) {
  const { read, taken, duplicates, refused, named } = report;
  const lines = read === 1 ? "line read" : "lines read";
  const counts: [number, string][] = dry
    ? [[read, lines], [taken, "would be taken"], [refused, "would be refused"]]
    : [[read, lines], [taken, "taken"], [duplicates, "known before"], [refused, "refused"]];
  return (
    <div>
      <Group gap={10} role="status" aria-live="polite">
        {reads && <Loader size={16} data-lasting aria-hidden />}
        {digest ? (
          <Text size="sm">Looking whether these archives were imported before…</Text>
        ) : (
          <Text size="sm" className="numbers">
            {counts
              .filter(([count], index) => count > 0 || index === 0 || index === 1)
              .map(([count, words]) => `${inNumbers(count)} ${words}`)
              .join(", ")}
          </Text>
        )}
      </Group>
      {reads && !dry && (
        <Text size="sm" c="dimmed" mt={4}>
          Stay on this page until all of it is read.
        </Text>
      )}
      {named.length > 0 && (
        <ul className={classes.refused} aria-label="Refused lines">
          {named.map(({ file, number, why }) => (
            <li key={`${file}:${String(number)}`}>
              <span className="mono">
                {file}:{number}
              </span>{" "}
              {why}
            </li>
          ))}
          {refused > named.length && <li>And {inNumbers(refused - named.length)} more.</li>}
        </ul>
      )}
    </div>
  );
}
