-- Removes what the desk has in its schema, within the transaction that brings the dump in; also what
-- a newer version of evidesk added, of which the dump knows nothing.
SET lock_timeout = '30s';
SET client_min_messages = 'warning';
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT format('DROP TABLE IF EXISTS %I.%I CASCADE', schemaname, tablename) AS statement
        FROM pg_tables WHERE schemaname = 'public'
    LOOP
        EXECUTE one.statement;
    END LOOP;
    FOR one IN
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure) AS statement
        FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
            AND NOT EXISTS (
                SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e'
            )
    LOOP
        EXECUTE one.statement;
    END LOOP;
END
$$;
