import { PasswordInput } from "@mantine/core";
import { useState } from "react";
import { useText } from "../text/use_text.tsx";
import { PASSWORD_CHARACTERS_MIN, PASSWORD_PATTERN } from "./passwords.ts";

/** A new password, twice; the form does not go while they differ. The field is called `password`. */
export function NewPasswordFields({ label }: { readonly label: string }) {
  const { door } = useText();
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const common = { required: true, autoComplete: "new-password", minLength: PASSWORD_CHARACTERS_MIN };
  return (
    <>
      <PasswordInput
        {...common}
        name="password"
        label={label}
        description={door.passwordHint}
        pattern={PASSWORD_PATTERN}
        value={first}
        onChange={(event) => setFirst(event.currentTarget.value)}
      />
      <PasswordInput
        {...common}
        label={door.passwordAgain}
        value={second}
        error={second !== "" && second !== first ? door.differs : undefined}
        onChange={(event) => setSecond(event.currentTarget.value)}
        ref={(input) => input?.setCustomValidity(second === first ? "" : door.differs)}
      />
    </>
  );
}
