/**
 * Enters a batch of transfers. The rules of docs/spec/ledger.md once more, where no program can get around them: a
 * transfer known by id changes nothing [B3]; each sums to zero in every currency [B1]; an account that falls
 * stays above its limit [B2]; a hold is closed once [B4].
 */
export const BOOK = `
CREATE FUNCTION book(ids text[], ats int8[], kinds text[], refs text[], closing text[],
                     of_transfer text[], ordinals int4[], of_account text[], amounts int8[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  fresh text[];
  wrong text;
BEGIN
  WITH entered AS (
    INSERT INTO transfers (id, at, kind, reference, closes)
    SELECT * FROM unnest(ids, ats, kinds, refs, closing)
    ON CONFLICT DO NOTHING RETURNING id)
  SELECT array_agg(id) INTO fresh FROM entered;
  IF fresh IS NULL THEN RETURN; END IF;

  SELECT p.transfer INTO wrong
  FROM unnest(of_transfer, of_account, amounts) AS p (transfer, account, amount)
  LEFT JOIN accounts a ON a.id = p.account
  GROUP BY p.transfer, a.currency
  HAVING sum(p.amount) <> 0 OR bool_or(a.id IS NULL) LIMIT 1;
  IF wrong IS NOT NULL THEN RAISE EXCEPTION 'transfer % does not balance, or names no account', wrong USING ERRCODE = '23514'; END IF;

  INSERT INTO postings (transfer, ordinal, account, amount)
  SELECT p.transfer, p.ordinal, p.account, p.amount
  FROM unnest(of_transfer, ordinals, of_account, amounts) AS p (transfer, ordinal, account, amount)
  WHERE cardinality(fresh) = cardinality(ids) OR p.transfer = ANY (fresh);

  WITH change AS (
    SELECT p.account, sum(p.amount)::int8 AS delta
    FROM unnest(of_transfer, of_account, amounts) AS p (transfer, account, amount)
    WHERE cardinality(fresh) = cardinality(ids) OR p.transfer = ANY (fresh)
    GROUP BY p.account ORDER BY p.account
  ), moved AS (
    INSERT INTO balances AS b (account, posted) SELECT account, delta FROM change
    ON CONFLICT (account) DO UPDATE SET posted = b.posted + excluded.posted
    RETURNING account, posted)
  SELECT m.account INTO wrong FROM moved m JOIN change c USING (account) JOIN accounts a ON a.id = m.account
  WHERE c.delta < 0 AND m.posted < -a.credit_limit LIMIT 1;
  IF wrong IS NOT NULL THEN RAISE EXCEPTION 'account % is overdrawn', wrong USING ERRCODE = '23514'; END IF;

  UPDATE holds SET closed = true
  FROM unnest(ids, closing) AS c (transfer, hold)
  WHERE holds.id = c.hold AND NOT holds.closed
    AND (cardinality(fresh) = cardinality(ids) OR c.transfer = ANY (fresh));
END $$`;
