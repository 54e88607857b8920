import { Badge, Button, Group } from "@mantine/core";
import { IconChecklist } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Absent } from "@/components/absent";
import { Logo } from "@/components/logo";
import { Time } from "@/components/moment";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { usePerson } from "@/features/access/me";
import { useSendsMail } from "@/features/access/providers";
import { CATEGORIES } from "@/features/catalog/queries";
import classes from "@/features/catalog/catalog.module.css";
import { reviewsQuery } from "./queries";

/** What waits for a reviewer, the longest waiting first. */
export function ReviewsPage() {
  return usePerson().installation.reviewer ? <Queue /> : <ForReviewers />;
}

/** Said to everybody else, whatever link led here. */
export function ForReviewers() {
  return (
    <Page title="Reviews">
      <Empty icon={<IconChecklist size={22} />} title="This is for reviewers">
        Reviewers decide what is in everyone's catalog. Ask an operator of the installation to make you one.
      </Empty>
    </Page>
  );
}

function Queue() {
  const reviews = useInfiniteQuery(reviewsQuery);
  const sendsMail = useSendsMail();
  const items = reviews.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title="Reviews" about="Destinations submitted for everyone's catalog, oldest first.">
      {reviews.data === undefined && <Absent query={reviews} failed="Reviews can't be shown" rows={3} height={92} />}
      {reviews.data !== undefined && items.length === 0 && (
        <Empty icon={<IconChecklist size={22} />} title="Nothing to review">
          Submitted destinations appear here{sendsMail === true ? ", and you get a mail" : ""}.
        </Empty>
      )}
      <ul className={classes.tiles}>
        {items.map(({ definition, version, content, submitted_by, submitted_at }) => (
          <li key={`${definition}/${String(version)}`}>
            <Link
              to="/reviews/$definition/$version"
              params={{ definition, version: String(version) }}
              className={classes.tile}
            >
              <Logo name={content.display_name} logo={content.about.logo} size={44} />
              <span className={classes.words}>
                <span className={classes.name}>{content.display_name}</span>
                <span className={classes.summary}>{content.about.summary}</span>
                <span className={classes.marks}>
                  <Badge size="sm" color="gray">
                    {CATEGORIES[content.about.category ?? "other"]}
                  </Badge>
                  <span className="muted" style={{ fontSize: 12 }}>
                    Version {version}, by {submitted_by ?? "somebody"}
                    {submitted_at != null && (
                      <>
                        {" "}
                        <Time at={submitted_at} />
                      </>
                    )}
                  </span>
                </span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {reviews.hasNextPage && (
        <Group justify="center" mt="lg">
          <Button variant="default" onClick={() => void reviews.fetchNextPage()}>
            Show more
          </Button>
        </Group>
      )}
    </Page>
  );
}
