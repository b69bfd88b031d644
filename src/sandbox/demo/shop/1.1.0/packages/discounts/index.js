/** A discount code as it is kept: upper case, without blanks; null when none was given. */
function normalize(typed) {
  const code = String(typed ?? "")
    .replace(/\s+/g, "")
    .toUpperCase();
  return code === "" ? null : code;
}

module.exports = { normalize };
