import { Input, TextInput } from "@mantine/core";
import type { Schemas } from "@/api/client";
import { Items } from "@/components/items";
import { problemAt, type TabProps } from "./shared";

type Link = Schemas["Link"];

/** Where to read more about the destination. */
export function LinksField({ draft, may, check }: Pick<TabProps, "draft" | "may" | "check">) {
  const { about } = draft.content;
  const links = about.links ?? [];
  const change = (next: Link[]) => {
    draft.change({ about: { ...about, links: next } });
  };
  return (
    <Input.Wrapper label="Links" labelElement="div" description="Where to read more, such as your API's documentation.">
      <Items
        look="rows"
        what="link"
        items={links}
        disabled={!may}
        make={() => ({ title: "", url: "https://" })}
        onChange={change}
      >
        {(link, index, replace) => (
          <>
            <TextInput
              aria-label={`Title of link ${String(index + 1)}`}
              placeholder="Title"
              disabled={!may}
              value={link.title}
              error={problemAt(check, `/about/links/${String(index)}/title`)}
              onChange={(event) => {
                replace({ title: event.currentTarget.value });
              }}
            />
            <TextInput
              aria-label={`Address of link ${String(index + 1)}`}
              placeholder="https://"
              disabled={!may}
              value={link.url}
              error={problemAt(check, `/about/links/${String(index)}/url`)}
              onChange={(event) => {
                replace({ url: event.currentTarget.value });
              }}
            />
          </>
        )}
      </Items>
    </Input.Wrapper>
  );
}
