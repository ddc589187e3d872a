import { TextInput } from "@mantine/core";
import { useText } from "../text/use_text.tsx";

const NAME_CHARACTERS = { minLength: 3, maxLength: 64 };

/** The name of a new account. */
export function AccountField() {
  const { door } = useText();
  return (
    <TextInput
      {...NAME_CHARACTERS}
      name="name"
      label={door.account}
      description={door.accountHint}
      autoComplete="username"
      required
    />
  );
}

/** The address of a new account. */
export function EmailField() {
  const { door } = useText();
  return <TextInput name="email" type="email" label={door.email} autoComplete="email" required />;
}
