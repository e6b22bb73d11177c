/** Statements as applications write them, right and wrong, on a server that counts them: PostgreSQL's own plans say which is which. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { openBackfill, REPEATED_TEXTS } from '../setup/backfill.ts';
import { hasContainers } from '../setup/databases.ts';
import { audit } from '../../src/audit/audit.ts';
import { runCommand } from '../setup/command.ts';
import { createDocs } from '../setup/docs-table.ts';
import { sampleModel } from '../setup/model.ts';
import { startPostgres, type StartedServer } from '../setup/containers.ts';
import { createFunctionSql } from '../../src/cutover/search-function-sql.ts';
import { nearest } from '../../src/search/queries/vector-query.ts';
import { openAuditedTable, VECTOR, found, type AuditedTable } from './audited-table.ts';

const v = `'${VECTOR}'`;
const SERVED = expect.stringMatching(/^(?:true|forced)$/) as string;

describe.skipIf(!hasContainers())('audit', () => {
  let server: StartedServer;
  let table: AuditedTable;
  let databases = 0;
  const database = async (): Promise<string> => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const name = `audit_${++databases}`;
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    return Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
  };
  const counted = async (options: Parameters<typeof openAuditedTable>[1] = {}): Promise<void> => {
    table = await openAuditedTable(await database(), options);
    opened.push(table);
    await table.pool.query('CREATE EXTENSION pg_stat_statements WITH SCHEMA stats');
  };
  beforeAll(async () => {
    const settings = ['shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.track=all'];
    server = await startPostgres({ direct: true, args: settings.flatMap((each) => ['-c', each]) });
  });
  afterAll(() => server.stop());
  const opened: AuditedTable[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });

  it('tells six wrong statements from four right ones, and has each of the six served by the index', async () => {
    await counted();
    const WRONG = {
      operator: [`SELECT id AS w1 FROM articles ORDER BY embedding <-> ${v} LIMIT 10`, [VECTOR, 10]],
      cast: [`SELECT id AS w2 FROM articles ORDER BY embedding <=> ${v}::halfvec(16) LIMIT 10`, [VECTOR, 10]],
      expression: [
        `SELECT id, 1 - (embedding <=> ${v}) AS w3 FROM articles ORDER BY w3 DESC LIMIT 10`,
        [1, VECTOR, 10],
      ],
      function: [
        `SELECT id AS w4 FROM articles ORDER BY cosine_distance(embedding, ${v}) LIMIT 10`,
        [VECTOR, 10],
      ],
      threshold: [`SELECT id AS w5 FROM articles WHERE embedding <=> ${v} < 0.1`, [VECTOR, 0.1]],
      hidden: [
        `WITH w6 AS MATERIALIZED (SELECT id, embedding <=> ${v} AS d FROM articles) SELECT id FROM w6 ORDER BY d LIMIT 10`,
        [VECTOR, 10],
      ],
    } as const;
    await table.ask(
      `SELECT id AS r1 FROM articles ORDER BY embedding <=> ${v} LIMIT 10`,
      `SELECT id AS r2 FROM articles WHERE embedding <=> ${v} < 0.9 ORDER BY embedding <=> ${v}, id LIMIT 10`,
      `SELECT r3.id FROM (SELECT id, author FROM articles ORDER BY embedding <=> ${v} LIMIT 10) r3 JOIN authors ON authors.id = r3.author`,
      // It compares the vectors of a row that it finds by its key: no search.
      `SELECT embedding <=> ${v} AS r4 FROM articles WHERE id = 7`,
      ...Object.values(WRONG).map(([sql]) => sql),
    );
    const audit = await table.audit();
    expect(audit).toMatchObject({ passed: false, untried: [], ownStatements: 0 });
    expect(audit.statements).toHaveLength(9);
    for (const right of ['r1', 'r2', 'r3'])
      expect(found(audit, right)).toMatchObject({ reason: null, rewritten: null, plan: { usesIndex: true } });
    const env = {
      DATABASE_URL: table.config.settings.database.url,
      BACKFILL_TABLE: 'articles',
      BACKFILL_TEXT: 'title',
    };
    const { code, stdout } = await runCommand('audit', [], env);
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^MISS +1 +[\d.]+ +10\.0 {2}operator {4}not by the index, cost \d+\n {2}SELECT id AS w1/m,
    );
    expect(stdout).toContain('6 of 9 statements and 0 of 1 indexes are found wanting.');

    await table.ask(`SET hnsw.ef_search = 200`);
    for (const [at, [reason, [sql, values]]] of Object.entries(WRONG).entries()) {
      const each = found(audit, `w${at + 1}`);
      expect(each).toMatchObject({ reason, calls: 1, role: 'postgres', plan: { usesIndex: false } });
      expect(each.statement).not.toContain(VECTOR);
      expect(String(each.rewritten?.plan.usesIndex)).toEqual(SERVED);
      const wanted = await table.ids(sql);
      const given = await table.ids(each.rewritten?.statement ?? '', [...values]);
      // An index may miss one.
      expect(given.filter((id) => wanted.includes(id)).length).toBeGreaterThanOrEqual(wanted.length - 1);
    }
    expect(JSON.stringify(audit)).not.toContain(VECTOR.slice(0, 20));
  });

  it('knows what else keeps the index from serving', async () => {
    await counted();
    await table.ask('CREATE VIEW shown AS SELECT id, embedding AS e FROM articles');
    await table.ask(
      `SELECT id AS x1 FROM articles ORDER BY embedding <=> ${v} DESC LIMIT 10`,
      `SELECT id AS x2 FROM articles ORDER BY embedding <=> ${v}`,
      `SELECT id AS x3, embedding <=> ${v} AS d FROM articles UNION SELECT id, embedding <=> ${v} FROM articles WHERE author = 3 ORDER BY d LIMIT 10`,
      `SELECT id AS x4 FROM articles ORDER BY round((embedding <=> ${v})::numeric, 3) LIMIT 10`,
      `SELECT id AS x5 FROM articles ORDER BY embedding <=> ${v} NULLS FIRST LIMIT 10`,
      `SELECT id AS x6 FROM articles ORDER BY author, embedding <=> ${v} LIMIT 10`,
      `SELECT DISTINCT ON (author) id AS x7 FROM articles ORDER BY author, embedding <=> ${v}`,
      `SELECT id AS x9 FROM articles ORDER BY embedding <=> ${v} LIMIT 100`,
      `SELECT id AS y1 FROM shown ORDER BY e <-> ${v} LIMIT 10`,
      `SELECT id AS y2 FROM articles ORDER BY (SELECT embedding FROM articles WHERE id = 1) <=> embedding LIMIT 10`,
      `SELECT b.id AS y3 FROM articles a, articles b WHERE a.id = 5 AND b.id <> a.id ORDER BY b.embedding <=> a.embedding LIMIT 10`,
      // One vector in two places, as whoever writes it into the statement has it.
      `WITH s AS (SELECT id, rank() OVER (ORDER BY embedding <=> ${v}) AS y5 FROM articles ORDER BY embedding <=> ${v} LIMIT 20) SELECT id FROM s ORDER BY y5 LIMIT 5`,
      `SELECT author AS y6, min(embedding <=> ${v}) FROM articles GROUP BY author ORDER BY 2 LIMIT 5`,
      `SELECT id AS y7, (embedding <=> ${v}) * -1 AS s FROM articles ORDER BY s DESC LIMIT 10`,
      `UPDATE articles SET title = title WHERE id IN (SELECT id AS y8 FROM articles ORDER BY embedding <-> ${v} LIMIT 3)`,
      // Rows of given keys, in their exact order.
      `SELECT id AS y4 FROM articles WHERE id = ANY ('{1,2,3}') ORDER BY embedding <-> ${v}`,
      // No search by these vectors.
      `SELECT id AS z1 FROM articles ORDER BY title LIMIT 1`,
      `SELECT '[1]'::vector <=> '[2]'::vector AS z2`,
    );
    const audit = await table.audit();
    const reasons = Object.fromEntries(
      audit.statements.map(({ statement, reason }) => [/\b[xyz]\d\b/.exec(statement)?.[0], reason]),
    );
    expect(reasons).toEqual({
      x1: 'descending',
      x2: 'limit',
      x3: 'hidden',
      x4: 'expression',
      x5: 'nulls',
      x6: 'later',
      x7: 'later',
      x9: 'depth',
      y1: 'operator',
      y2: null,
      y3: 'other-row',
      y4: null,
      y5: null,
      y6: 'hidden',
      y7: 'expression',
      y8: 'operator',
    });
    expect(found(audit, 'x3').rewritten?.statement).toContain('ORDER BY d LIMIT');
    expect(found(audit, 'x9').rewritten).toMatchObject({
      settings: ['SET LOCAL hnsw.iterative_scan = strict_order;'],
    });
    expect(found(audit, 'y3').rewritten).toMatchObject({
      statement: expect.stringMatching(
        /FROM articles AS a, LATERAL \( ?SELECT \* FROM articles AS b ORDER BY b.embedding <=> a.embedding LIMIT 100 ?\) AS b WHERE/,
      ) as string,
      plan: { usesIndex: true },
    });
    // A view has no rows of its own to be ordered.
    expect(found(audit, 'y1')).toMatchObject({ rewritten: null, remedy: expect.any(String) as string });
  });

  it('asks the planner of a table that is not small, with the settings of the role', async () => {
    await counted({
      rows: 11_000,
      index: 'USING hnsw (embedding vector_cosine_ops) WITH (m = 4, ef_construction = 8)',
    });
    const reasonOf = async (words: string): Promise<string | null> =>
      found(await table.audit(), words).reason;
    const join = `SELECT articles.id AS p1 FROM articles JOIN authors ON authors.id = author WHERE articles.title <> 'none' ORDER BY embedding <=> ${v} LIMIT 10`;
    await table.ask(
      `SELECT id AS p2 FROM articles WHERE category = 'c7' ORDER BY embedding <=> ${v} LIMIT 10`,
      join,
    );
    expect(await reasonOf('p1')).toBe(null);
    expect(found(await table.audit(), 'p2')).toMatchObject({
      reason: 'filter',
      rewritten: { settings: ['SET LOCAL hnsw.iterative_scan = strict_order;'] },
    });
    const name = new URL(table.config.settings.database.url).pathname.slice(1);
    await table.ask(`ALTER ROLE postgres IN DATABASE ${name} SET enable_nestloop = off`);
    expect(found(await table.audit(), 'p1')).toMatchObject({
      reason: 'join',
      plan: { usesIndex: 'forced' },
      rewritten: {
        statement: expect.stringMatching(
          /FROM \( ?SELECT \* FROM articles WHERE articles.title <> \$\d ORDER BY .* LIMIT 100 ?\) AS articles JOIN/,
        ) as string,
        plan: { usesIndex: true },
      },
    });
    // A threshold is taken out of the search, which is a condition of few rows to the planner.
    await table.ask(
      `SELECT id AS p4 FROM articles WHERE embedding <=> ${v} BETWEEN 0 AND 0.4 ORDER BY embedding <=> ${v} LIMIT 10`,
    );
    expect(found(await table.audit(), 'p4')).toMatchObject({
      reason: 'cost',
      rewritten: {
        statement: expect.stringMatching(/LIMIT 100 ?\) AS articles WHERE embedding <=> /) as string,
        plan: { usesIndex: true },
      },
    });
    await table.ask(
      `ALTER ROLE postgres IN DATABASE ${name} SET random_page_cost = 1000000`,
      `SELECT id AS p3 FROM articles ORDER BY embedding <=> ${v} LIMIT 10`,
    );
    expect(await reasonOf('p3')).toBe('cost');
  });

  it('knows indexes on an expression, a table beside, and every generation', async () => {
    await counted({
      index: 'USING hnsw ((embedding::halfvec(16)) halfvec_cosine_ops)',
      'index-type': 'halfvec',
    });
    await table.ask(
      `CREATE TABLE articles_embedding_2 AS SELECT id, 0 AS chunk, 0 AS chunk_start, 9 AS chunk_end, embedding, NULL::bytea AS text_hash, now() AS embedded_at FROM articles`,
      `CREATE INDEX articles_embedding_2_hnsw ON articles_embedding_2 USING hnsw ((binary_quantize(embedding)::bit(16)) bit_hamming_ops)`,
      'ALTER TABLE articles_embedding_2 ADD PRIMARY KEY (id, chunk)',
      'ANALYZE articles_embedding_2',
    );
    const beside = { store: 'table', column: 'embedding_2' };
    await table.addGeneration(
      2,
      { ...beside, text: ['title'], index: { type: 'bit' }, model: { name: 'another' } },
      beside,
    );
    await table.ask(
      `SELECT id AS h1 FROM articles ORDER BY embedding::halfvec(16) <=> ${v} LIMIT 10`,
      `SELECT id AS h2 FROM articles ORDER BY embedding <=> ${v} LIMIT 10`,
      `SELECT b1.title FROM articles b1 JOIN articles_embedding_2 e ON e.id = b1.id ORDER BY e.embedding <=> ${v} LIMIT 10`,
      `SELECT id AS b2 FROM (SELECT * FROM articles_embedding_2 ORDER BY binary_quantize(embedding)::bit(16) <~> binary_quantize(${v}::vector) LIMIT 100) c ORDER BY embedding <=> ${v} LIMIT 10`,
    );
    const audit = await table.audit();
    expect(audit.statements).toHaveLength(4);
    expect(found(audit, 'h1')).toMatchObject({ reason: null, generation: 1 });
    expect(found(audit, 'h2')).toMatchObject({
      reason: 'cast',
      rewritten: {
        statement: expect.stringContaining('CAST(embedding AS halfvec(16)) <=>') as string,
        plan: { usesIndex: true },
      },
    });
    expect(found(audit, 'b1')).toMatchObject({
      reason: 'cast',
      generation: 2,
      rewritten: {
        statement: expect.stringContaining('binary_quantize(e.embedding)') as string,
        plan: { usesIndex: true },
      },
    });
    expect(found(audit, 'b2')).toMatchObject({ reason: null, generation: 2 });
  });

  it('reads the plans of a partitioned table', async () => {
    await counted({ table: 'parts', rows: 30 });
    await table.ask(
      `CREATE TABLE parts (id bigint PRIMARY KEY, title text, embedding vector(16)) PARTITION BY HASH (id)`,
      `CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0)`,
      `CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1)`,
      `INSERT INTO parts SELECT id, title, embedding FROM articles`,
      `CREATE INDEX parts_embedding_hnsw_idx ON parts USING hnsw (embedding vector_cosine_ops)`,
      'ANALYZE parts',
      `SELECT id AS q1 FROM parts ORDER BY embedding <=> ${v} LIMIT 10`,
      `SELECT id AS q2 FROM parts ORDER BY embedding <-> ${v} LIMIT 10`,
      `SELECT id AS q3 FROM parts_1 ORDER BY 1 - (embedding <=> ${v}) DESC LIMIT 10`,
    );
    const audit = await table.audit();
    expect(audit.indexes).toMatchObject([{ isPresent: true, isValid: true }]);
    expect(found(audit, 'q1')).toMatchObject({ reason: null });
    for (const [name, reason] of [
      ['q2', 'operator'],
      ['q3', 'expression'],
    ] as const)
      expect(found(audit, name)).toMatchObject({
        reason,
        rewritten: { plan: { usesIndex: expect.toBeOneOf([true, 'forced']) as boolean } },
      });
  });

  it('leaves out our own searches, and tries nothing that would run the code of another role', async () => {
    await counted();
    const target = await table.target();
    for (const mode of ['planned', 'exact', 'unindexed'] as const)
      await nearest(table.pool, target, 'cosine', VECTOR, 10, mode);
    await table.ask(
      createFunctionSql(target, 'cosine', {}),
      `SELECT * FROM search_articles(${v})`,
      'CREATE ROLE other_role',
      'CREATE FUNCTION other() RETURNS bigint IMMUTABLE LANGUAGE sql AS $$ SELECT 1::bigint $$',
      'ALTER FUNCTION other() OWNER TO other_role',
      `SELECT other(), id AS o1 FROM articles ORDER BY embedding <-> ${v} LIMIT 10`,
      `SELECT id AS o2 FROM (SELECT * FROM articles) AS all_of_them ORDER BY embedding <-> ${v} LIMIT 10`,
    );
    const audit = await table.audit();
    // Planned and exact are one statement here, and the function has its own.
    expect(audit.ownStatements).toBeGreaterThanOrEqual(3);
    expect(audit.statements.map(({ statement }) => statement)).toEqual([expect.stringContaining('o2')]);
    expect(audit.untried).toEqual([
      expect.objectContaining({
        why: expect.stringContaining('function public.other of role other_role') as string,
      }),
    ]);

    // On a path that says so, another operator stands before the one that BETWEEN means.
    const name = new URL(table.config.settings.database.url).pathname.slice(1);
    await table.ask(
      `SELECT id AS o3 FROM articles WHERE 1.5::float8 BETWEEN 1 AND 2 ORDER BY embedding <-> ${v} LIMIT 10`,
      'CREATE SCHEMA theirs AUTHORIZATION other_role',
      `CREATE FUNCTION theirs.at_least(float8, float8) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'`,
      'ALTER FUNCTION theirs.at_least OWNER TO other_role',
      'CREATE OPERATOR theirs.>= (FUNCTION = theirs.at_least, LEFTARG = float8, RIGHTARG = float8)',
      `ALTER ROLE postgres IN DATABASE ${name} SET search_path = theirs, pg_catalog, public`,
    );
    const { untried } = await table.audit();
    expect(untried.map(({ why }) => why)).toContain(
      'it names operator theirs.>= of role other_role, whose code would run with the rights of this role',
    );
  });

  it('reads statements inside functions by the names of their variables', async () => {
    await counted();
    await table.ask(
      `CREATE FUNCTION matching(query_embedding vector, match_threshold float8, match_count int) RETURNS TABLE (id bigint, similarity float8) LANGUAGE plpgsql AS $$
       BEGIN
         RETURN QUERY SELECT f1.id, 1 - (f1.embedding <=> query_embedding) AS similarity FROM articles f1
          WHERE 1 - (f1.embedding <=> query_embedding) > match_threshold ORDER BY similarity DESC LIMIT match_count;
       END $$`,
      `CREATE FUNCTION nearest_ids(q vector) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT f2.id FROM articles f2 ORDER BY f2.embedding <-> nearest_ids.q LIMIT 5'`,
      `SELECT * FROM matching(${v}, 0.5, 7)`,
      `SELECT * FROM nearest_ids(${v}) WITH ORDINALITY`,
    );
    const audit = await table.audit();
    expect(audit.untried).toEqual([]);
    expect(found(audit, 'f1')).toMatchObject({
      reason: 'expression',
      rowsPerCall: 7,
      rewritten: {
        statement: expect.stringContaining(
          'ORDER BY f1.embedding <=> query_embedding LIMIT match_count',
        ) as string,
        plan: { usesIndex: true },
      },
    });
    expect(found(audit, 'f2')).toMatchObject({
      reason: 'operator',
      rewritten: { plan: { usesIndex: true } },
    });
  });

  it('says what a role may not see', async () => {
    await counted();
    await table.ask(`SELECT id FROM articles ORDER BY embedding <-> ${v} LIMIT 10`);
    const url = new URL(table.config.settings.database.url);
    Object.assign(url, { username: 'limited', password: 'p' });
    const name = url.pathname.slice(1);
    await table.ask(
      `CREATE ROLE limited LOGIN PASSWORD 'p'`,
      `REVOKE ALL ON SCHEMA stats FROM PUBLIC`,
      'ALTER TABLE articles OWNER TO limited',
      'GRANT USAGE ON SCHEMA pgvector_backfill TO limited',
      'GRANT SELECT ON ALL TABLES IN SCHEMA pgvector_backfill TO limited',
      `ALTER ROLE limited IN DATABASE ${name} SET search_path = public`,
    );
    const env = { DATABASE_URL: url.href, BACKFILL_TABLE: 'articles', BACKFILL_TEXT: 'title' };
    const forbidden = await runCommand('audit', [], env);
    expect(forbidden.stdout).toContain('GRANT USAGE ON SCHEMA "stats" TO limited;');
    await table.ask('GRANT USAGE ON SCHEMA stats TO limited');
    const hidden = await runCommand('audit', [], env);
    expect(hidden.stdout).toMatch(/the text of \d+ statements of other roles is not shown/);
    await table.ask('GRANT pg_read_all_stats TO limited');
    expect((await runCommand('audit', ['--json'], env)).json()).toMatchObject({
      statements: [{ reason: 'operator' }],
    });
  });

  it('knows what a run, its verification, searches and the SQL function ask as our own', async () => {
    const url = await database();
    const own = await openBackfill(
      { databaseUrl: url, queueUrl: url, drop: () => Promise.resolve() },
      sampleModel(),
      {
        BACKFILL_TABLE: 'docs',
        BACKFILL_TEXT: 'body',
        BACKFILL_STORE: 'table',
        BACKFILL_MODEL_LONG_TEXT: 'chunks',
        BACKFILL_SEARCH_FILTERS: JSON.stringify([{ name: 'low', where: 'id < $1', values: [40] }]),
        ...REPEATED_TEXTS,
      },
    );
    await own.pool.query('CREATE EXTENSION pg_stat_statements WITH SCHEMA public');
    await createDocs(own.pool, 100);
    await own.enqueue();
    // With its verification.
    await own.work();
    await runCommand('search', ['bread'], own.env);
    await runCommand('cutover', ['--to', 'vector', '--override', 'test', '--execute'], own.env);
    await own.pool.query(
      'SELECT * FROM public.search_docs((SELECT embedding FROM public.docs_embedding LIMIT 1))',
    );
    const { statements, untried, ownStatements } = await audit(own.pool, own.config);
    await own.close();
    expect({ statements, untried }).toEqual({ statements: [], untried: [] });
    expect(ownStatements).toBeGreaterThanOrEqual(3);
  });
});
