/// A schema with a bit of everything that pg_dump writes in a way of its own.
enum Zoo {
  static func script(rows: Int) -> String {
    #"""
    CREATE SCHEMA "odd; -- 'schema'";
    CREATE EXTENSION IF NOT EXISTS plpgsql;
    CREATE TYPE mood AS ENUM ('fine', 'it''s; \! bad');
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE TYPE pair AS (a int, b text);
    CREATE TABLE plain (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      v text DEFAULT E'tab\tand \\ and ''quote''',
      m mood DEFAULT 'fine',
      n positive,
      doubled int GENERATED ALWAYS AS (n * 2) STORED,
      j jsonb, b bytea, a text[], p pair, f float8, t timestamptz
    );
    INSERT INTO plain (v, m, n, j, b, a, p, f, t)
      SELECT CASE g % 8 WHEN 0 THEN E'\\.' WHEN 1 THEN E'\\! touch x' WHEN 2 THEN E'line\nline\r\n\\.\nline'
          WHEN 3 THEN NULL WHEN 4 THEN E'\\N' WHEN 5 THEN E'\t\b\f\v$$ '' "' WHEN 6 THEN 'äöü 漢字 🦊' ELSE md5(g::text) END,
        CASE g % 2 WHEN 0 THEN 'fine'::mood ELSE E'it''s; \\! bad' END, g, jsonb_build_object('k', g, 'q', E'\\"'),
        decode(md5(g::text), 'hex'), ARRAY[g::text, 'a,b', NULL, '{"}'], ROW(g, 'x)(,')::pair, g / 3.0,
        '2026-01-01 00:00:00+00'::timestamptz + g * interval '1 minute'
      FROM generate_series(1, ROWS) g;
    CREATE TABLE "odd; -- 'schema'"."Table \! with $$" ("Column ""q""" int, "x\y" text);
    INSERT INTO "odd; -- 'schema'"."Table \! with $$" VALUES (1, E'\\'), (2, '');
    COMMENT ON TABLE "odd; -- 'schema'"."Table \! with $$" IS E'a comment\n\\! touch x\n-- /* ''';
    COMMENT ON COLUMN plain.v IS $$dollar $a$ \connect shop$$;
    CREATE TABLE measured (at date NOT NULL, v int) PARTITION BY RANGE (at);
    CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE measured_rest PARTITION OF measured DEFAULT;
    INSERT INTO measured SELECT '2026-01-01'::date + g, g FROM generate_series(0, 60) g;
    CREATE TABLE empty (id int);
    CREATE TABLE child () INHERITS (empty);
    CREATE TABLE referring (id bigint REFERENCES plain, EXCLUDE (id WITH =));
    INSERT INTO referring SELECT id FROM plain WHERE id <= 5;
    CREATE SEQUENCE counter START 17 INCREMENT 3;
    SELECT nextval('counter') FROM generate_series(1, 5);
    CREATE FUNCTION quoting(text) RETURNS text LANGUAGE plpgsql AS $function$
    DECLARE s text := $x$ \! touch x; $$ $x$;
    BEGIN
      -- a comment; with 'quotes' and \. at the end
      /* and \connect /* nested */ */
      RETURN 'it''s ' || E'\\' || s || $1;
    END $function$;
    CREATE FUNCTION standard(a int) RETURNS int LANGUAGE sql IMMUTABLE
      BEGIN ATOMIC
        SELECT CASE WHEN a > 1 THEN 1 ELSE 2 END;
        SELECT a + 1;
      END;
    CREATE PROCEDURE doing() LANGUAGE sql BEGIN ATOMIC INSERT INTO empty VALUES (1); DELETE FROM empty; END;
    CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON plain FOR EACH ROW WHEN (OLD.v IS DISTINCT FROM E'\\') EXECUTE FUNCTION touched();
    CREATE VIEW seen AS SELECT id, v || '\!;' AS w FROM plain WHERE m = E'it''s; \\! bad';
    CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM plain;
    CREATE RULE logged AS ON DELETE TO referring DO ALSO (INSERT INTO empty VALUES (1); DELETE FROM empty WHERE id = 1);
    CREATE INDEX ON plain (lower(v)) WHERE v <> '\.';
    CREATE UNIQUE INDEX "odd index;" ON plain ((j ->> 'k'));
    ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON plain USING (v <> 'it''s \! secret');
    CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
    CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
    CREATE STATISTICS both_columns ON v, m FROM plain;
    CREATE PUBLICATION everything FOR ALL TABLES;
    SELECT lo_from_bytea(0, convert_to(repeat(E'large \\. object\n', 5000), 'UTF8'));
    SELECT lo_from_bytea(0, '\x00ff');
    GRANT SELECT ON seen TO PUBLIC;
    """#
    .replacing("ROWS", with: "\(rows)")
  }
}
