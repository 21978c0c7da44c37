"""What Airflow loads as plugins: each file here by itself."""
