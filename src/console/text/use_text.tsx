import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { formatBytes } from "../../core/for_people.ts";
import { recall, remember } from "../browser/storage.ts";
import { en, type Texts } from "./en.ts";
import { firstLanguage, type Language } from "./language.ts";
import { zh } from "./zh.ts";

const KEY = "damselfly-language";
const DICTIONARIES: Readonly<Record<Language, Texts>> = { en, zh };

interface Chosen {
  readonly language: Language;
  readonly choose: (language: Language) => void;
}

const LanguageContext = createContext<Chosen>({ language: "en", choose: () => {} });

/** Gives the language to all that is below, and tells the browser which one it is. */
export function LanguageProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(() => firstLanguage(recall(KEY), navigator.languages));
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const choose = (next: Language) => {
    remember(KEY, next);
    setLanguage(next);
  };
  return <LanguageContext value={{ language, choose }}>{children}</LanguageContext>;
}

export function useLanguage(): Chosen {
  return useContext(LanguageContext);
}

/** The texts in the language that is chosen. */
export function useText(): Texts {
  return DICTIONARIES[useLanguage().language];
}

/** Writes times and numbers as the chosen language does. */
export function useFormat() {
  const { language } = useLanguage();
  return {
    time(text: string | undefined): string {
      // Go's zero time stands for never.
      if (text === undefined || text.startsWith("0001-")) return "-";
      return new Date(text).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
    },
    /** The time of day. */
    clock: (text: string) => new Date(text).toLocaleTimeString(language, { timeStyle: "short" }),
    /** A day of the year. */
    day: (text: string) => new Date(text).toLocaleDateString(language, { month: "short", day: "numeric" }),
    /** Go's durations, as the API has them, by the hour. */
    duration(nanoseconds: number): string {
      const hours = nanoseconds / 3.6e12;
      return hours.toLocaleString(language, {
        ...{ style: "unit", unit: "hour", unitDisplay: "long", maximumFractionDigits: 1 },
      });
    },
    bytes: bytesText,
    rate: (bytesPerSecond: number) => `${bytesText(bytesPerSecond)}/s`,
    money: (value: number, currency: string) => value.toLocaleString(language, { style: "currency", currency }),
    number: (value: number) => value.toLocaleString(language),
    percent: (share: number) => share.toLocaleString(language, { style: "percent", maximumFractionDigits: 1 }),
  };
}

/** What was only preheated is below 0 where savings are told. */
function bytesText(bytes: number): string {
  return bytes < 0 ? `-${formatBytes(-bytes)}` : formatBytes(bytes);
}
