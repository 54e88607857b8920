import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { confirmDanger } from "@/components/confirm";
import { done, failed } from "@/components/notices";
import { useSendsMail } from "@/features/access/providers";

/** Submitting a version for a review, which is asked about first, and taking that back. */
export function useSubmission(organisation: string, definition: string, version: number) {
  const client = useQueryClient();
  const sendsMail = useSendsMail();
  const path = { organisation, definition, version };
  const step = useMutation({
    mutationFn: (what: "submit" | "withdraw") =>
      take(
        what === "submit"
          ? api.POST("/api/v1/organisations/{organisation}/definitions/{definition}/versions/{version}/submit", {
              params: { path },
            })
          : api.POST("/api/v1/organisations/{organisation}/definitions/{definition}/versions/{version}/withdraw", {
              params: { path },
            }),
      ),
    onSuccess: (changed) => {
      void client.invalidateQueries({ queryKey: ["definition-versions", organisation, definition] });
      if (changed.state !== "submitted") done("The submission is withdrawn.");
      else done(sendsMail === true ? "Submitted. You get a mail when a reviewer has decided." : "Submitted. The decision appears here.");
    },
    onError: failed("The version wasn't changed"),
  });
  return {
    pending: step.isPending,
    submit: () => {
      confirmDanger({
        title: `Submit version ${String(version)}?`,
        what: "A reviewer approves it for everyone's catalog, or requests changes.",
        action: "Submit",
        safe: true,
        onConfirm: () => {
          step.mutate("submit");
        },
      });
    },
    withdraw: () => {
      step.mutate("withdraw");
    },
  };
}
