"""The operator's page of the national site: accounts, queues, refusals, and orders to the connector."""
