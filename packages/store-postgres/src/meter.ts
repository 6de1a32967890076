/**
 * Writes runs of meter readings. A run is consecutive numbers of one node, kept as the very lines that were
 * signed; what it costs stands beside it by account and contract. A run written before is left as it is; one that
 * overlaps another is refused whole, so no number is ever charged twice [K4.1]. Gives how many readings were new.
 */
export const METER = `
CREATE FUNCTION meter_append(at int8, nodes text[], firsts int8[], lasts int8[], texts text[],
                             c_node text[], c_first int8[], c_account text[], c_contract text[],
                             c_records int8[], c_charge int8[]) RETURNS int8
LANGUAGE plpgsql AS $$
DECLARE
  taken int8;
  wrong text;
BEGIN
  CREATE TEMPORARY TABLE IF NOT EXISTS fresh (node text COLLATE "C", first int8, last int8) ON COMMIT DELETE ROWS;
  DELETE FROM fresh;
  WITH entered AS (
    INSERT INTO meter (node, first, last, received_at, lines)
    SELECT r.node, r.first, r.last, at, r.lines FROM unnest(nodes, firsts, lasts, texts) AS r (node, first, last, lines)
    ON CONFLICT DO NOTHING RETURNING node, first, last)
  INSERT INTO fresh SELECT * FROM entered;

  SELECT f.node || ' ' || f.first INTO wrong FROM fresh f
  WHERE EXISTS (SELECT FROM meter m WHERE m.node = f.node AND m.first < f.first AND m.last >= f.first)
     OR EXISTS (SELECT FROM meter m WHERE m.node = f.node AND m.first > f.first AND m.first <= f.last) LIMIT 1;
  IF wrong IS NOT NULL THEN RAISE EXCEPTION 'readings from % on overlap others', wrong USING ERRCODE = '23505'; END IF;

  INSERT INTO meter_charges (node, first, account, contract, received_at, records, charge)
  SELECT c.node, c.first, c.account, c.contract, at, c.records, c.charge
  FROM unnest(c_node, c_first, c_account, c_contract, c_records, c_charge)
    AS c (node, first, account, contract, records, charge) JOIN fresh USING (node, first);
  SELECT coalesce(sum(last - first + 1), 0) INTO taken FROM fresh;
  RETURN taken;
END $$`;
