/** What a new password must have, for the `pattern` of an input: a small letter and a digit. */
export const PASSWORD_PATTERN = "(?=.*[a-z])(?=.*[0-9]).*";
export const PASSWORD_CHARACTERS_MIN = 8;
