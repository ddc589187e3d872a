import { Anchor, Text } from "@mantine/core";
import { Link } from "react-router";
import { PageTitle } from "../parts/page_title.tsx";
import { PATHS } from "../paths.ts";
import { useText } from "../text/use_text.tsx";

export function NotFoundPage() {
  const text = useText();
  return (
    <>
      <PageTitle>{text.frame.notFound}</PageTitle>
      <Text mb="md">{text.frame.notFoundHint}</Text>
      <Anchor component={Link} to={PATHS.home}>{text.frame.home}</Anchor>
    </>
  );
}
