import { type MantineColorScheme, NativeSelect, useMantineColorScheme } from "@mantine/core";
import { type Language, LANGUAGES } from "../text/language.ts";
import { useLanguage, useText } from "../text/use_text.tsx";

export function LanguageChoice() {
  const text = useText();
  const { language, choose } = useLanguage();
  return (
    <NativeSelect
      size="xs"
      aria-label={text.frame.language}
      value={language}
      onChange={(event) => choose(event.currentTarget.value as Language)}
      data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
    />
  );
}

export function ColorChoice() {
  const text = useText();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { light, dark, system } = text.frame;
  return (
    <NativeSelect
      size="xs"
      aria-label={text.frame.colors}
      value={colorScheme}
      onChange={(event) => setColorScheme(event.currentTarget.value as MantineColorScheme)}
      data={[{ value: "auto", label: system }, { value: "light", label: light }, { value: "dark", label: dark }]}
    />
  );
}
