CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    placed timestamptz NOT NULL DEFAULT now(),
    shipped timestamptz,
    cents integer NOT NULL
);
CREATE TABLE invoices (order_id bigint PRIMARY KEY REFERENCES orders);
INSERT INTO orders (shipped, cents) SELECT now(), 3000 + 50 * n FROM generate_series(1, 40) AS n;
INSERT INTO invoices SELECT id FROM orders;
INSERT INTO orders (cents) VALUES (4200), (1900);
